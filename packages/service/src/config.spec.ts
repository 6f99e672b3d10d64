import { describe, expect, it } from '@jest/globals';
import { ConfigError, parseConfig, serviceConfigShape } from './config.js';

const good = {
  PORT: '4001',
  DATABASE_URL: 'postgres://ops:secret@127.0.0.1:5432/ops',
  KAFKA_BROKERS: '127.0.0.1:9092, 127.0.0.1:9093',
  SCHEMA_REGISTRY_URL: 'http://127.0.0.1:8081',
};

describe('parseConfig', () => {
  it('parses and fills in the defaults', () => {
    expect(parseConfig('ops-adapter', serviceConfigShape, { ...good, LOG_LEVEL: '' })).toMatchObject({
      HOST: '127.0.0.1',
      PORT: 4001,
      LOG_LEVEL: 'info',
      KAFKA_BROKERS: ['127.0.0.1:9092', '127.0.0.1:9093'],
    });
  });

  it('names every variable at fault at once, and never prints its value', () => {
    const { KAFKA_BROKERS: _, ...rest } = good;
    const parse = () =>
      parseConfig('ops-adapter', serviceConfigShape, { ...rest, PORT: 'http', DATABASE_URL: 'mysql://u:hunter2@h/d' });
    expect(parse).toThrow(ConfigError);
    expect(parse).toThrow(/PORT: /);
    expect(parse).toThrow(/DATABASE_URL: /);
    expect(parse).toThrow(/KAFKA_BROKERS: is not set/);
    expect(parse).not.toThrow(/hunter2/);
  });
});
