// Exact arithmetic on decimal numbers written as text: vendors carry money, and money is never a double.

/** Exact product of two decimal numbers, without trailing zeros. */
export function multiplyDecimals(a: string, b: string): string {
  const [left, right] = [scaled(a), scaled(b)];
  return unscaled(left.digits * right.digits, left.scale + right.scale);
}

export function sumDecimals(values: string[]): string {
  const parts = values.map(scaled);
  const scale = Math.max(0, ...parts.map((part) => part.scale));
  return unscaled(
    parts.reduce((sum, part) => sum + part.digits * 10n ** BigInt(scale - part.scale), 0n),
    scale,
  );
}

function scaled(value: string): { digits: bigint; scale: number } {
  const [whole = '0', fraction = ''] = value.split('.');
  return { digits: BigInt(whole + fraction), scale: fraction.length };
}

function unscaled(digits: bigint, scale: number): string {
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  const fraction = text.slice(text.length - scale).replace(/0+$/, '');
  const whole = text.slice(0, text.length - scale);
  return `${digits < 0n ? '-' : ''}${scale === 0 ? text : whole}${scale > 0 && fraction !== '' ? `.${fraction}` : ''}`;
}
