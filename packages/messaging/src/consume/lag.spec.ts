import { beforeEach, describe, expect, it } from '@jest/globals';
import { Lag } from './lag.js';

const START = Date.parse('2026-11-22T10:00:00.000Z');

describe('lag: how far a partition is behind, in messages and in seconds', () => {
  let now: number;
  let lag: Lag;
  const record = (offset: number, ageSeconds: number) => ({
    offset: String(offset),
    timestamp: String(START - ageSeconds * 1_000),
  });
  const read = (partition = 0): [number, number] => {
    const { lagMessages, lagSeconds } = lag.read().find((place) => place.partition === partition)!;
    return [lagMessages, lagSeconds];
  };

  const look = (partition: number, end: string, next: string, at = now): void => {
    lag.begins('t', partition, next);
    lag.looked('t', partition, { end, at });
  };

  beforeEach(() => {
    now = START;
    lag = new Lag(() => now);
    lag.assigned({ t: [0, 1] });
  });

  it('counts what was fetched and is not taken in from the timestamp of its oldest record', () => {
    lag.fetched('t', 0, '14', record(10, 60));
    expect(read()).toEqual([4, 60]);
    now += 5_000; // the database is away
    expect(read()).toEqual([4, 65]);
    lag.took('t', 0, record(11, 50), record(12, 40));
    expect(read()).toEqual([2, 45]);
    lag.took('t', 0, record(13, 30), undefined);
    expect(read()).toEqual([0, 0]);
  });

  it('goes back to 0 where a partition is idle, and stays there', () => {
    lag.fetched('t', 0, '1', record(0, 2));
    lag.took('t', 0, record(0, 2), undefined);
    now += 3_600_000;
    expect(read()).toEqual([0, 0]);
    look(0, '1', '0');
    expect(read()).toEqual([0, 0]);
  });

  it('keeps growing where nothing is fetched any more, from the last taken in or the last time nothing was there', () => {
    lag.fetched('t', 0, '30', record(10, 60));
    lag.took('t', 0, record(19, 55), undefined); // 10 more were there, and then the partition pauses
    expect(read()).toEqual([10, 55]);
    now += 10_000;
    look(0, '45', '0');
    expect(read()).toEqual([25, 65]);

    lag.fetched('t', 1, '1', record(0, 3_600));
    lag.took('t', 1, record(0, 3_600), undefined); // an hour old, and the last there was
    now += 5_000;
    look(1, '1', '0');
    now += 5_000;
    look(1, '2', '0');
    expect(read(1)).toEqual([1, 5]);
  });

  it('counts from the last time at which every fetch came back with nothing, where none comes back any more', () => {
    look(0, '5', '5');
    look(1, '7', '5'); // two wait here
    now += 20_000;
    lag.nothingWaited(now - 5_000);
    now += 3_000;
    look(0, '6', '5');
    expect(read()).toEqual([1, 8]);
    expect(read(1)).toEqual([2, 23]);
  });

  it('counts from when Kafka was asked, however late it answers', () => {
    now += 15_000;
    look(0, '5', '5', START);
    look(0, '6', '5');
    expect(read()).toEqual([1, 15]);
  });

  it('begins at the offset of the group, and counts seconds from when it first looked', () => {
    expect(read()).toEqual([0, 0]);
    look(0, '30', '10');
    expect(read()).toEqual([20, 0]);
    now += 2_000;
    expect(read()).toEqual([20, 2]);
    lag.fetched('t', 0, '30', record(10, 100));
    expect(read()).toEqual([20, 102]);
  });

  it('goes by the new end of a topic that was made again', () => {
    lag.fetched('t', 0, '1000', record(990, 60));
    lag.took('t', 0, record(999, 60), undefined);
    lag.fetched('t', 0, '3', record(0, 5));
    expect(read()).toEqual([3, 5]);
    lag.took('t', 0, record(2, 5), undefined);
    expect(read()).toEqual([0, 0]);
  });

  it('is at the end behind offsets that hold no message', () => {
    look(0, '30', '10');
    now += 5_000;
    lag.passed('t', 0, '19', '30');
    expect(read()).toEqual([10, 5]);
    lag.passed('t', 0, '29', '30');
    expect(read()).toEqual([0, 0]);
  });

  it('says that it does not know what nobody has said yet, or does not say any more, until somebody does', () => {
    const unknown = (): boolean[] => lag.read().map((place) => place.unknown === true);
    expect(unknown()).toEqual([true, true]);
    lag.looked('t', 0, { end: '30', at: now });
    lag.begins('t', 1, '10');
    expect(unknown()).toEqual([true, true]); // the one has no place, the other no end
    lag.begins('t', 0, '10');
    lag.looked('t', 1, { end: '30', at: now });
    expect([unknown(), lag.complete]).toEqual([[false, false], true]);
    expect([lag.unseen('t', 0), lag.unseen('t', 0), lag.unseen('t', 7)]).toEqual([true, false, false]);
    expect([unknown(), lag.complete, read()]).toEqual([[true, false], false, [20, 0]]);
    lag.fetched('t', 0, '31', record(10, 1));
    expect([unknown(), lag.complete]).toEqual([[false, false], true]);
  });

  it('knows nothing of partitions that went to another instance, and never says less than 0', () => {
    lag.fetched('t', 0, '1', record(0, -5)); // the producer's clock is ahead of ours
    expect(read()).toEqual([1, 0]);
    lag.assigned({ t: [1] });
    lag.fetched('t', 0, '9', record(3, 1));
    lag.took('t', 0, record(3, 1), undefined);
    look(1, '3', '3');
    expect(lag.read()).toEqual([{ topic: 't', partition: 1, lagMessages: 0, lagSeconds: 0, paused: false }]);
  });
});
