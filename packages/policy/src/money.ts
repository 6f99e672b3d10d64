import { isExpressible, minorUnitDigits } from '@throughline/contracts';
import { PolicyError } from './errors.js';
import { Exact } from './exact.js';

/** An exact amount in one currency. Two currencies never meet: comparing or adding them is an error that names both. */
export class Money {
  constructor(
    readonly amount: Exact,
    readonly currency: string,
  ) {}

  /** Reads `250 000 EUR`: a currency with a minor-unit rule, and an amount that it can express. */
  static parse(text: string): Money {
    const match = /^(.+) ([A-Z]{3})$/.exec(text.trim());
    if (!match) throw invalid(text, 'is not an amount; write it as in "250 000 EUR"');
    const amount = Exact.parse(match[1]!);
    const currency = match[2]!;
    const digits = minorUnitDigits(currency);
    if (digits === undefined) throw invalid(text, `has a currency without a minor-unit rule; use an ISO 4217 code`);
    if (!isExpressible(amount.toDecimal(), currency))
      throw invalid(text, `has more decimals than ${currency} (${digits})`);
    return new Money(amount, currency);
  }

  plus(other: Money): Money {
    return new Money(this.amount.plus(this.sameCurrency(other).amount), this.currency);
  }

  minus(other: Money): Money {
    return new Money(this.amount.minus(this.sameCurrency(other).amount), this.currency);
  }

  times(factor: Exact): Money {
    return new Money(this.amount.times(factor), this.currency);
  }

  /** How many times the other goes into this; no money any more. */
  ratio(other: Money): Exact {
    return this.amount.dividedBy(this.sameCurrency(other).amount);
  }

  compare(other: Money): number {
    return this.amount.compare(this.sameCurrency(other).amount);
  }

  private sameCurrency(other: Money): Money {
    if (other.currency === this.currency) return other;
    throw new PolicyError(
      'POLICY_CURRENCY_MISMATCH',
      `It sets ${this.currency} against ${other.currency}; give a limit for each currency, as in [10 000 EUR, 11 000 USD].`,
    );
  }
}

/** One limit per currency: what a deal is compared with is the limit in its own currency. */
export class Limits {
  private constructor(private readonly amounts: ReadonlyMap<string, Exact>) {}

  static parse(texts: readonly string[]): Limits {
    const amounts = new Map<string, Exact>();
    for (const text of texts) {
      const { amount, currency } = Money.parse(text);
      if (amounts.has(currency)) throw invalid(text, `is a second limit for ${currency}`);
      amounts.set(currency, amount);
    }
    return new Limits(amounts);
  }

  has(currency: string): boolean {
    return this.amounts.has(currency);
  }

  /** Throws `POLICY_LIMIT_MISSING`. */
  in(currency: string): Money {
    const amount = this.amounts.get(currency);
    if (amount) return new Money(amount, currency);
    throw new PolicyError(
      'POLICY_LIMIT_MISSING',
      `There is no limit for ${currency}, only for ${[...this.amounts.keys()].join(', ')}; add one, or ask with "currency in <limits>" first.`,
    );
  }

  times(factor: Exact): Limits {
    return new Limits(new Map([...this.amounts].map(([currency, amount]) => [currency, amount.times(factor)])));
  }
}

function invalid(text: string, what: string): PolicyError {
  return new PolicyError('POLICY_AMOUNT_INVALID', `"${text}" ${what}.`);
}
