import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { choosePort } from '@throughline/local-stack';
import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TcpProxy } from './tcp-proxy.js';

/** A server that says everything back, behind a proxy. */
describe('TcpProxy', () => {
  let server: Server;
  let proxy: TcpProxy;
  const clients: Socket[] = [];

  beforeEach(async () => {
    server = createServer((socket) => void socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await TcpProxy.start(await choosePort(), {
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
    });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await proxy.close();
    server.close();
  });

  async function client(): Promise<Socket> {
    const socket = createConnection({ host: '127.0.0.1', port: proxy.port });
    clients.push(socket);
    await once(socket, 'connect');
    return socket;
  }
  async function said(socket: Socket, text: string): Promise<string> {
    socket.write(text);
    return ((await once(socket, 'data')) as [Buffer])[0].toString();
  }

  it('passes everything, in both directions, to the end of each', async () => {
    const socket = await client();
    expect(await said(socket, 'hello')).toBe('hello');
    socket.end('bye');
    const [[last]] = (await Promise.all([once(socket, 'data'), once(socket, 'end')])) as [[Buffer], unknown];
    expect(last.toString()).toBe('bye');
  });

  it('refuses who comes and resets who is there, until it is mended', async () => {
    const socket = await client();
    await said(socket, 'hello');
    const lost = once(socket, 'close').catch((error: unknown) => error);
    socket.on('error', () => undefined);
    proxy.break('refuse');
    await lost;
    await expect(client()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await proxy.mend();
    expect(await said(await client(), 'again')).toBe('again');
  });

  it('resets in the middle of what is sent', async () => {
    const socket = await client();
    await said(socket, 'hello');
    const failed = once(socket, 'error');
    let heard = '';
    socket.on('data', (data: Buffer) => (heard += data.toString()));
    proxy.break('reset');
    socket.write('half of this');
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(heard).not.toBe('half of this');
    await proxy.mend();
    expect(await said(await client(), 'again')).toBe('again');
  });

  it('holds what is sent into a black hole, and delivers it late', async () => {
    const socket = await client();
    await said(socket, 'hello');
    proxy.break('blackhole');
    const newcomer = await client();
    socket.write('held');
    newcomer.write('too');
    let heard = '';
    for (const one of [socket, newcomer]) one.on('data', (data: Buffer) => (heard += data.toString()));
    await said(await echo(server), 'the server itself answers');
    expect(heard).toBe('');
    const late = Promise.all([once(socket, 'data'), once(newcomer, 'data')]);
    await proxy.mend();
    await late;
    expect(heard).toHaveLength('heldtoo'.length);
  });

  it('is slow in each direction', async () => {
    const socket = await client();
    proxy.break('slow');
    const from = performance.now();
    expect(await said(socket, 'hello')).toBe('hello');
    expect(performance.now() - from).toBeGreaterThan(250);
  });

  async function echo(of: Server): Promise<Socket> {
    const socket = createConnection({ host: '127.0.0.1', port: (of.address() as AddressInfo).port });
    clients.push(socket);
    await once(socket, 'connect');
    return socket;
  }
});
