import {
  toMedusaCustomer,
  toMedusaProduct,
  type CustomerBody,
  type MedusaClient,
  type OrderPlace,
  type ProductBody,
} from '@throughline/connectors/medusa';
import { codeOf, type Account, type LineItem } from '@throughline/contracts';
import type { EffectContext } from '@throughline/messaging';

/** The account's customer. Deals of one new account at once share one record of the call, and so one customer. */
export async function ensureCustomer(medusa: MedusaClient, account: Account, context: EffectContext): Promise<string> {
  const { id } = await context.once(
    'customer',
    toMedusaCustomer(account),
    (body) => findOrCreateCustomer(medusa, body),
    {
      scope: `account:${account.accountId}`,
    },
  );
  return id;
}

/** The variant of each product sold, by canonical product id. */
export async function ensureVariants(
  medusa: MedusaClient,
  lines: LineItem[],
  place: Pick<OrderPlace, 'salesChannelId' | 'shippingOption'>,
  context: EffectContext,
): Promise<Record<string, string>> {
  const variantIds: Record<string, string> = {};
  for (const line of lines) {
    if (variantIds[line.productId]) continue;
    const request = { productId: line.productId, sku: line.sku, body: toMedusaProduct(line, place) };
    const { id } = await context.once('product', request, (pinned) => findOrCreateVariant(medusa, pinned), {
      scope: `product:${line.productId}`,
    });
    variantIds[line.productId] = id;
  }
  return variantIds;
}

/** Looks first, which also finds what an unknown outcome left behind; whoever creates second is refused and looks again. */
async function findOrCreateCustomer(medusa: MedusaClient, body: CustomerBody): Promise<{ id: string }> {
  const find = () => medusa.findCustomer(body.email);
  return { id: (await find()) ?? (await createOrFind(() => medusa.createCustomer(body), find)) };
}

async function findOrCreateVariant(
  medusa: MedusaClient,
  { productId, sku, body }: { productId: string; sku: string; body: ProductBody },
): Promise<{ id: string }> {
  const find = () => medusa.findVariant(productId, sku);
  return { id: (await find()) ?? (await createOrFind(() => medusa.createProduct(body), find)) };
}

async function createOrFind(create: () => Promise<string>, find: () => Promise<string | undefined>): Promise<string> {
  try {
    return await create();
  } catch (error) {
    if (codeOf(error) !== 'MEDUSA_REFUSED') throw error;
    const found = await find();
    if (!found) throw error;
    return found;
  }
}
