import avro from 'avsc';

/**
 * The three logical types of our schemas, each as JSON-safe text so that a payload survives jsonb, logs and HTTP unchanged.
 * `_resolve` is what lets a reader schema differ from the writer's (avsc throws "abstract" without it).
 */
class DecimalType extends avro.types.LogicalType {
  private readonly scale: number;

  constructor(schema: { scale?: number }, options?: object) {
    super(schema as never, options);
    this.scale = schema.scale ?? 0;
  }

  protected override _fromValue(value: unknown): string {
    return decimalFromBytes(value as Buffer, this.scale);
  }

  protected override _toValue(value: unknown): Buffer | undefined {
    return typeof value === 'string' ? decimalToBytes(value, this.scale) : undefined;
  }

  protected override _resolve(type: avro.Type): unknown {
    // A different scale would silently change every amount: refuse it.
    if (type instanceof DecimalType && type.scale === this.scale) return (value: unknown) => value;
    return undefined;
  }
}

class TimestampType extends avro.types.LogicalType {
  protected override _fromValue(value: unknown): string {
    return new Date(value as number).toISOString();
  }

  protected override _toValue(value: unknown): number | undefined {
    return typeof value === 'string' ? numberOrUndefined(Date.parse(value)) : undefined;
  }

  protected override _resolve(type: avro.Type): unknown {
    return type instanceof TimestampType ? (value: unknown) => value : undefined;
  }
}

const DAY_MS = 86_400_000;

class DateType extends avro.types.LogicalType {
  protected override _fromValue(value: unknown): string {
    return new Date((value as number) * DAY_MS).toISOString().slice(0, 10);
  }

  protected override _toValue(value: unknown): number | undefined {
    if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return undefined;
    const time = Date.parse(value);
    // 2026-02-30 parses to March in some engines: only a date that reads back the same is one.
    return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== value ? undefined : time / DAY_MS;
  }

  protected override _resolve(type: avro.Type): unknown {
    return type instanceof DateType ? (value: unknown) => value : undefined;
  }
}

function numberOrUndefined(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}

/** An avsc type for a schema; a fresh options object each time, because avsc keeps its name registry in it. */
export function avroType(schema: unknown): avro.Type {
  return avro.Type.forSchema(schema as avro.Schema, {
    logicalTypes: {
      decimal: DecimalType as never,
      'timestamp-millis': TimestampType,
      date: DateType,
    },
    omitRecordMethods: true,
    noAnonymousTypes: false,
  });
}

/** Two's complement, big endian, as Avro wants it. `undefined` where the text is no decimal of this scale. */
export function decimalToBytes(text: string, scale: number): Buffer | undefined {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text);
  if (!match) return undefined;
  const fraction = match[3] ?? '';
  if (fraction.length > scale && /[^0]/.test(fraction.slice(scale))) return undefined;
  const digits = match[2]! + fraction.slice(0, scale).padEnd(scale, '0');
  if (digits.length <= 14) {
    const value = match[1] ? -Number(digits) : Number(digits);
    const buffer = Buffer.allocUnsafe(6);
    buffer.writeIntBE(value, 0, 6);
    return buffer.subarray(redundantBytes(buffer));
  }
  const buffer = Buffer.allocUnsafe(16);
  const value = BigInt.asUintN(128, match[1] ? -BigInt(digits) : BigInt(digits));
  buffer.writeBigUInt64BE(value >> 64n, 0);
  buffer.writeBigUInt64BE(value & 0xffff_ffff_ffff_ffffn, 8);
  return buffer.subarray(redundantBytes(buffer));
}

/** The inverse of {@link decimalToBytes}; always `scale` digits after the point. */
export function decimalFromBytes(bytes: Buffer, scale: number): string {
  let digits: string;
  let negative: boolean;
  if (bytes.length === 0) {
    digits = '0';
    negative = false;
  } else if (bytes.length <= 6) {
    const value = bytes.readIntBE(0, bytes.length);
    negative = value < 0;
    digits = String(Math.abs(value));
  } else {
    const value = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
    negative = value < 0n;
    digits = (negative ? -value : value).toString();
  }
  const padded = digits.padStart(scale + 1, '0');
  const whole = padded.slice(0, padded.length - scale);
  return `${negative ? '-' : ''}${whole}${scale > 0 ? `.${padded.slice(padded.length - scale)}` : ''}`;
}

/** How many leading bytes only repeat the sign. */
function redundantBytes(buffer: Buffer): number {
  let start = 0;
  while (start < buffer.length - 1) {
    const head = buffer[start]!;
    const nextIsNegative = buffer[start + 1]! >= 0x80;
    if ((head === 0 && !nextIsNegative) || (head === 0xff && nextIsNegative)) start += 1;
    else break;
  }
  return start;
}
