import type { MedusaClient, ShippingOption } from '@throughline/connectors/medusa';
import { notSetUp } from '../errors.js';

export interface PlaceOptions {
  salesChannelId?: string | undefined;
  shippingOptionId?: string | undefined;
  /** Region by currency. */
  regionIds?: Record<string, string> | undefined;
}

/** Where orders go in this Medusa: as configured, else found once and kept while the process lives. */
export class OrderPlaces {
  private salesChannelId: string | undefined;
  private shippingOption: ShippingOption | undefined;
  private readonly regions = new Map<string, string>();

  constructor(
    private readonly medusa: MedusaClient,
    private readonly options: PlaceOptions,
  ) {}

  async salesChannel(): Promise<string> {
    this.salesChannelId ??= this.options.salesChannelId ?? (await this.medusa.findSalesChannel());
    if (!this.salesChannelId) throw notSetUp('a sales channel that is enabled', 'MEDUSA_SALES_CHANNEL_ID');
    return this.salesChannelId;
  }

  async shipping(): Promise<ShippingOption> {
    this.shippingOption ??= await this.medusa.findShippingOption(this.options.shippingOptionId);
    if (!this.shippingOption) throw notSetUp('a shipping option', 'MEDUSA_SHIPPING_OPTION_ID');
    return this.shippingOption;
  }

  /** `undefined` where this shop does not sell in the currency. */
  async region(currency: string): Promise<string | undefined> {
    const region =
      this.options.regionIds?.[currency] ?? this.regions.get(currency) ?? (await this.medusa.findRegion(currency));
    if (region) this.regions.set(currency, region);
    return region;
  }
}
