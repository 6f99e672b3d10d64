/** What this receiver reads of an OTLP trace export, in the names of OTLP's JSON encoding. */
export interface OtlpTraces {
  resourceSpans?: {
    resource?: { attributes?: OtlpAttribute[] };
    scopeSpans?: { scope?: { name?: string; version?: string }; spans?: OtlpSpan[] }[];
  }[];
}

export interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name?: string;
  kind?: number | string;
  startTimeUnixNano: string | number;
  endTimeUnixNano: string | number;
  attributes?: OtlpAttribute[];
  events?: { timeUnixNano: string | number; name?: string; attributes?: OtlpAttribute[] }[];
  links?: { traceId: string; spanId: string; attributes?: OtlpAttribute[] }[];
  status?: { code?: number | string; message?: string };
}

export interface OtlpAttribute {
  key: string;
  value?: OtlpValue;
}

export interface OtlpValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number;
  arrayValue?: { values?: OtlpValue[] };
  kvlistValue?: { values?: OtlpAttribute[] };
  bytesValue?: string;
}

/**
 * Decodes an ExportTraceServiceRequest from protobuf. Field numbers are those of opentelemetry-proto v1; unknown fields
 * are skipped. Throws on bytes that are no such message.
 */
export function decodeOtlpTraces(bytes: Uint8Array): OtlpTraces {
  const resourceSpans: NonNullable<OtlpTraces['resourceSpans']> = [];
  for (const field of fields(bytes)) if (field.number === 1) resourceSpans.push(decodeResourceSpans(field.bytes));
  return { resourceSpans };
}

type ResourceSpans = NonNullable<OtlpTraces['resourceSpans']>[number];
type ScopeSpans = NonNullable<ResourceSpans['scopeSpans']>[number];

function decodeResourceSpans(bytes: Uint8Array): ResourceSpans {
  const scopeSpans: ScopeSpans[] = [];
  let attributes: OtlpAttribute[] = [];
  for (const field of fields(bytes)) {
    if (field.number === 1) attributes = attributesOf(field.bytes, 1);
    if (field.number === 2) scopeSpans.push(decodeScopeSpans(field.bytes));
  }
  return { resource: { attributes }, scopeSpans };
}

function decodeScopeSpans(bytes: Uint8Array): ScopeSpans {
  const spans: OtlpSpan[] = [];
  const scope: NonNullable<ScopeSpans['scope']> = {};
  for (const field of fields(bytes)) {
    if (field.number === 1) {
      for (const part of fields(field.bytes)) {
        if (part.number === 1) scope.name = text(part.bytes);
        if (part.number === 2) scope.version = text(part.bytes);
      }
    }
    if (field.number === 2) spans.push(decodeSpan(field.bytes));
  }
  return { scope, spans };
}

function decodeSpan(bytes: Uint8Array): OtlpSpan {
  const span: Required<Omit<OtlpSpan, 'status'>> & Pick<OtlpSpan, 'status'> = {
    traceId: '',
    spanId: '',
    parentSpanId: '',
    name: '',
    kind: 0,
    startTimeUnixNano: '0',
    endTimeUnixNano: '0',
    attributes: [],
    events: [],
    links: [],
  };
  for (const { number, bytes: value, integer } of fields(bytes)) {
    if (number === 1) span.traceId = hex(value);
    else if (number === 2) span.spanId = hex(value);
    else if (number === 4) span.parentSpanId = hex(value);
    else if (number === 5) span.name = text(value);
    else if (number === 6) span.kind = Number(integer);
    else if (number === 7) span.startTimeUnixNano = String(integer);
    else if (number === 8) span.endTimeUnixNano = String(integer);
    else if (number === 9) span.attributes.push(decodeAttribute(value));
    else if (number === 11) span.events.push(decodeEvent(value));
    else if (number === 13) span.links.push(decodeLink(value));
    else if (number === 15) span.status = decodeStatus(value);
  }
  return span;
}

function decodeEvent(bytes: Uint8Array): NonNullable<OtlpSpan['events']>[number] {
  const event = { timeUnixNano: '0', name: '', attributes: attributesOf(bytes, 3) };
  for (const field of fields(bytes)) {
    if (field.number === 1) event.timeUnixNano = String(field.integer);
    if (field.number === 2) event.name = text(field.bytes);
  }
  return event;
}

function decodeLink(bytes: Uint8Array): NonNullable<OtlpSpan['links']>[number] {
  const link = { traceId: '', spanId: '', attributes: attributesOf(bytes, 4) };
  for (const field of fields(bytes)) {
    if (field.number === 1) link.traceId = hex(field.bytes);
    if (field.number === 2) link.spanId = hex(field.bytes);
  }
  return link;
}

function decodeStatus(bytes: Uint8Array): NonNullable<OtlpSpan['status']> {
  const status = { code: 0, message: '' };
  for (const field of fields(bytes)) {
    if (field.number === 2) status.message = text(field.bytes);
    if (field.number === 3) status.code = Number(field.integer);
  }
  return status;
}

function attributesOf(bytes: Uint8Array, number: number): OtlpAttribute[] {
  const attributes: OtlpAttribute[] = [];
  for (const field of fields(bytes)) if (field.number === number) attributes.push(decodeAttribute(field.bytes));
  return attributes;
}

function decodeAttribute(bytes: Uint8Array): OtlpAttribute {
  const attribute: OtlpAttribute = { key: '' };
  for (const field of fields(bytes)) {
    if (field.number === 1) attribute.key = text(field.bytes);
    if (field.number === 2) attribute.value = decodeValue(field.bytes);
  }
  return attribute;
}

function decodeValue(bytes: Uint8Array): OtlpValue {
  for (const { number, bytes: value, integer } of fields(bytes)) {
    if (number === 1) return { stringValue: text(value) };
    if (number === 2) return { boolValue: integer !== 0n };
    if (number === 3) return { intValue: String(BigInt.asIntN(64, integer)) };
    if (number === 4) return { doubleValue: double(integer) };
    if (number === 5) {
      const values: OtlpValue[] = [];
      for (const field of fields(value)) if (field.number === 1) values.push(decodeValue(field.bytes));
      return { arrayValue: { values } };
    }
    if (number === 6) return { kvlistValue: { values: attributesOf(value, 1) } };
    if (number === 7) return { bytesValue: Buffer.from(value).toString('base64') };
  }
  return {};
}

interface Field {
  number: number;
  /** Of a length-delimited field; empty otherwise. */
  bytes: Uint8Array;
  /** Of a varint or fixed field, unsigned; 0 otherwise. */
  integer: bigint;
}

const none = new Uint8Array();

function* fields(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a varint of more than 10 bytes');
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        yield { number, bytes: none, integer: varint() };
        break;
      case 1:
        yield { number, bytes: none, integer: view.getBigUint64(at, true) };
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        if (at + length > bytes.length) throw new RangeError('a field is longer than its message');
        yield { number, bytes: bytes.subarray(at, at + length), integer: 0n };
        at += length;
        break;
      }
      case 5:
        yield { number, bytes: none, integer: BigInt(view.getUint32(at, true)) };
        at += 4;
        break;
      default:
        throw new RangeError(`wire type ${tag & 7} is none of OTLP's`);
    }
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function double(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}
