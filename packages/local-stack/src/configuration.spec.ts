import { describe, expect, it } from '@jest/globals';
import { brokerList, checkExternal, withoutPassword } from './external.js';
import { findJava, javaMajor } from './java.js';
import { kafkaId, serverProperties } from './kafka.js';
import { downloadProgress, pomFor } from './maven.js';
import { findUser, serverSettings } from './postgres.js';
import { jdbcUrl } from './registry-database.js';
import { saysPortTaken } from './stack.js';

describe('Kafka', () => {
  it('listens on loopback alone and creates no topic by itself', () => {
    const properties = serverProperties({ broker: 1, controller: 2, dataDirectory: '/data' });
    expect(properties).toContain('\nlisteners=BROKER://127.0.0.1:1,CONTROLLER://127.0.0.1:2\n');
    expect(properties).toContain('\nadvertised.listeners=BROKER://127.0.0.1:1\n');
    expect(properties).toContain('\nauto.create.topics.enable=false\n');
  });

  it('tells a client that comes in by another way the address of the proxy in front of it', () => {
    const listeners = [{ name: 'OPS_1', port: 3, advertisedPort: 4 }];
    const properties = serverProperties({ broker: 1, controller: 2, dataDirectory: '/data', listeners });
    expect(properties).toContain('\nlisteners=BROKER://127.0.0.1:1,CONTROLLER://127.0.0.1:2,OPS_1://127.0.0.1:3\n');
    expect(properties).toContain('\nadvertised.listeners=BROKER://127.0.0.1:1,OPS_1://127.0.0.1:4\n');
    expect(properties).toContain('=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT,OPS_1:PLAINTEXT\n');
  });

  it('gets ids of 22 characters that no option parser takes for an option', () => {
    const uuids = ['f8000000-0000-4000-8000-000000000000', '00000000-0000-4000-8000-000000000000'];
    expect(kafkaId(() => uuids.shift() ?? '')).toBe('AAAAAAAAQACAAAAAAAAAAA');
  });
});

describe('PostgreSQL', () => {
  it('keeps what makes a commit durable', () => {
    const settings = serverSettings(5432).join(' ');
    expect(settings).toContain('listen_addresses=127.0.0.1');
    expect(settings).not.toMatch(/fsync|full_page_writes|synchronous_commit/);
  });

  it('takes an eighth of the memory for its buffers, within bounds', () => {
    const gib = 2 ** 30;
    const buffers = (memory: number) =>
      serverSettings(5432, memory).find((setting) => setting.includes('shared_buffers'));
    expect([0.5, 4, 64].map((size) => buffers(size * gib))).toEqual(
      ['128MB', '512MB', '2048MB'].map((size) => `shared_buffers=${size}`),
    );
  });

  it('takes the first user that exists and is not root', () => {
    const passwd = 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\n';
    expect(findUser(passwd, ['postgres', 'nobody'])).toEqual({ uid: 65534, gid: 65533 });
    expect(findUser(passwd, ['root'])).toBeUndefined();
  });
});

describe('the registry', () => {
  it('uses the server of the admin address, with a database of its own', () => {
    expect(jdbcUrl('postgres://admin:secret@db.example:6543/postgres?sslmode=require&x=1', 'registry')).toBe(
      'jdbc:postgresql://db.example:6543/registry?sslmode=require',
    );
  });
});

describe('Java', () => {
  it('reads old and new version schemes', () => {
    expect(javaMajor('openjdk version "17.0.15" 2025-04-15')).toBe(17);
    expect(javaMajor('java version "1.8.0_392"')).toBe(8);
    expect(javaMajor('openjdk version "25" 2025-09-16')).toBe(25);
    expect(javaMajor('nothing of the kind')).toBeUndefined();
  });

  it('names both ways out when there is none', async () => {
    await expect(findJava({ PATH: '/nowhere' })).rejects.toMatchObject({
      code: 'STACK_JAVA_MISSING',
      message: expect.stringMatching(/install a JDK >= 17 and Maven[\s\S]*KAFKA_BROKERS and SCHEMA_REGISTRY_URL/),
    });
  });
});

describe('Maven', () => {
  it('says what it is at', () => {
    const log =
      '[INFO] Downloading from central: https://x/a/a.jar\n[INFO] Downloaded from central: https://x/a/a.jar (1 kB)\n';
    expect(downloadProgress('[INFO] Scanning\n')).toBe('asking Maven');
    expect(downloadProgress(`${log}[INFO] Downloading from central: https://x/b/b.jar\n`)).toBe(
      'b.jar (1 files fetched)',
    );
  });

  it('is asked for exact versions', () => {
    expect(pomFor(['g:a:1'])).toContain('<groupId>g</groupId><artifactId>a</artifactId><version>1</version>');
  });
});

describe('external parts', () => {
  it('are named without their password', () => {
    expect(withoutPassword('postgres://ada:secret@db:5432/x')).toBe('postgres://ada:***@db:5432/x');
  });

  it.each([
    ['kafka', 'kafka.example', /^KAFKA_BROKERS=kafka.example is no address\.\n.*host:port/],
    ['kafka', 'a:1,b', /^KAFKA_BROKERS=a:1,b /],
    ['postgres', 'db.example', /^POSTGRES_URL=db.example /],
    ['postgres', 'mysql://ada:secret@db.example/x', /^POSTGRES_URL=mysql:\/\/ada:\*\*\*@db.example\/x /],
    ['registry', 'registry:8081', /^SCHEMA_REGISTRY_URL=registry:8081 .*\n.*http:\/\/host:8081/],
    ['viewer', '/traces', /^OTEL_EXPORTER_OTLP_ENDPOINT=\/traces /],
  ] as const)('of %s are refused at once where nobody can be asked: %s', async (part, address, message) => {
    await expect(checkExternal(part, address)).rejects.toMatchObject({
      code: 'STACK_EXTERNAL_MALFORMED',
      message: expect.stringMatching(message),
    });
  });

  it('may be several brokers', () => {
    expect(brokerList('a:1, b:2,')).toEqual(['a:1', 'b:2']);
  });
});

describe('a lost port', () => {
  it('is recognised in the words of each part', () => {
    expect(
      saysPortTaken(
        'org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:9: Address already in use.',
      ),
    ).toBe(true);
    expect(saysPortTaken('LOG:  could not bind IPv4 address "127.0.0.1": Address already in use')).toBe(true);
    expect(saysPortTaken('Port 8080 seems to be in use by another process or there is already bound')).toBe(true);
    expect(saysPortTaken('FATAL: could not open file')).toBe(false);
  });
});
