import { PolicyError } from './errors.js';

/**
 * An exact number: a quotient of two integers, so that adding, multiplying and dividing never round. Amounts, quantities and percentages
 * of policies are of this kind, never doubles.
 */
export class Exact {
  static readonly zero = new Exact(0n, 1n);

  /** `denominator` is above zero; the quotient is not reduced, because comparing does not need it. */
  private constructor(
    private readonly numerator: bigint,
    private readonly denominator: bigint,
  ) {}

  static of(whole: bigint): Exact {
    return new Exact(whole, 1n);
  }

  /** Reads `1250.0000`, `-3` or `0.5`; thousands may be set apart by spaces, as in `250 000`. */
  static parse(text: string): Exact {
    const match = /^([+-]?)(\d{1,3}(?: \d{3})+|\d+)(?:\.(\d+))?$/.exec(text.trim());
    if (!match) {
      const hint = text.includes(',') ? '; set thousands apart by spaces and decimals by a point' : '';
      throw new PolicyError('POLICY_AMOUNT_INVALID', `"${text}" is not a number${hint}, for example 250 000 or 0.25.`);
    }
    const [, sign, whole, fraction = ''] = match;
    const digits = BigInt(whole!.replaceAll(' ', '') + fraction);
    return new Exact(sign === '-' ? -digits : digits, 10n ** BigInt(fraction.length));
  }

  plus(other: Exact): Exact {
    if (this.denominator === other.denominator) return new Exact(this.numerator + other.numerator, this.denominator);
    return new Exact(
      this.numerator * other.denominator + other.numerator * this.denominator,
      this.denominator * other.denominator,
    );
  }

  minus(other: Exact): Exact {
    return this.plus(other.negated());
  }

  negated(): Exact {
    return new Exact(-this.numerator, this.denominator);
  }

  times(other: Exact): Exact {
    return new Exact(this.numerator * other.numerator, this.denominator * other.denominator);
  }

  /** Throws `POLICY_DIVISION_BY_ZERO`. */
  dividedBy(other: Exact): Exact {
    if (other.numerator === 0n)
      throw new PolicyError(
        'POLICY_DIVISION_BY_ZERO',
        'It divides by zero; say with a rule before it what holds then.',
      );
    const sign = other.numerator < 0n ? -1n : 1n;
    return new Exact(sign * this.numerator * other.denominator, sign * this.denominator * other.numerator);
  }

  /** Negative, zero or positive as this is less than, equal to or greater than the other. */
  compare(other: Exact): number {
    const difference = this.numerator * other.denominator - other.numerator * this.denominator;
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }

  /** With that many decimals, halves away from zero. */
  rounded(decimals: number): Exact {
    const scale = 10n ** BigInt(decimals);
    const scaled = this.numerator * scale;
    const half = scaled < 0n ? -this.denominator : this.denominator;
    return new Exact((2n * scaled + half) / (2n * this.denominator), scale);
  }

  /** The text of a canonical decimal, with four decimals. Throws `POLICY_NOT_EXPRESSIBLE` where four are not enough. */
  toDecimal(): string {
    const scaled = this.numerator * 10_000n;
    if (scaled % this.denominator !== 0n)
      throw new PolicyError('POLICY_NOT_EXPRESSIBLE', 'The result has more than four decimals; use round(value, 2).');
    const units = scaled / this.denominator;
    const digits = (units < 0n ? -units : units).toString().padStart(5, '0');
    return `${units < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`;
  }
}
