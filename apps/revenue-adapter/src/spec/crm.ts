import type { RunningSandbox } from '@throughline/testing';

const DEAL_TO_LINE_ITEM = 19;
const DEAL_TO_COMPANY = 5;

export interface NewDeal {
  name?: string;
  amount?: string;
  currency?: string;
  stage?: string;
  lines?: { name: string; quantity: string; price: string }[];
  company?: string | null;
}

/** What a person does in HubSpot. */
export class CrmPerson {
  constructor(private readonly sandbox: RunningSandbox) {}

  async createCompany(name: string): Promise<string> {
    return (await this.call('POST', '/crm/v3/objects/companies', { properties: { name } })).id;
  }

  async createDeal({
    name = 'Deal',
    amount = '100',
    currency = 'EUR',
    stage = 'contractsent',
    lines,
    company,
  }: NewDeal = {}): Promise<string> {
    const lineIds: string[] = [];
    for (const line of lines ?? [{ name: 'Platform', quantity: '1', price: amount }]) {
      lineIds.push(
        (await this.call('POST', '/crm/v3/objects/line_items', { properties: { ...line, hs_sku: line.name } })).id,
      );
    }
    const companyId = company === undefined ? await this.createCompany(`Customer of ${name}`) : company;
    const links = [
      ...lineIds.map((id) => link(id, DEAL_TO_LINE_ITEM)),
      ...(companyId === null ? [] : [link(companyId, DEAL_TO_COMPANY)]),
    ];
    const properties = {
      dealname: name,
      amount,
      deal_currency_code: currency,
      dealstage: stage,
      closedate: '2026-11-22T10:00:00Z',
    };
    return (await this.call('POST', '/crm/v3/objects/deals', { properties, associations: links })).id;
  }

  async edit(dealId: string, properties: Record<string, string>): Promise<void> {
    await this.call('PATCH', `/crm/v3/objects/deals/${dealId}`, { properties });
  }

  async move(dealId: string, stage: string): Promise<void> {
    await this.edit(dealId, { dealstage: stage });
  }

  async addLine(dealId: string, price: string): Promise<void> {
    const properties = { name: 'Extra', quantity: '1', price };
    await this.call('POST', '/crm/v3/objects/line_items', { properties, associations: [link(dealId, 20)] });
  }

  /** Changes nothing in the deal itself, not even when it was last modified. */
  async associateCompany(dealId: string, companyId: string): Promise<void> {
    await this.call('PUT', `/crm/v4/objects/deals/${dealId}/associations/default/companies/${companyId}`);
  }

  async nameCompany(companyId: string, name: string): Promise<void> {
    await this.call('PATCH', `/crm/v3/objects/companies/${companyId}`, { properties: { name } });
  }

  async archive(dealId: string): Promise<void> {
    await this.call('DELETE', `/crm/v3/objects/deals/${dealId}`);
  }

  async properties(dealId: string, ...names: string[]): Promise<Record<string, string | null>> {
    return (await this.call('GET', `/crm/v3/objects/deals/${dealId}?properties=${names.join(',')}`)).properties;
  }

  private async call(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ id: string; properties: Record<string, string | null> }> {
    const response = await fetch(new URL(path, this.sandbox.url), {
      method,
      headers: {
        authorization: `Bearer ${this.sandbox.secrets.HUBSPOT_ACCESS_TOKEN}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text ? JSON.parse(text) : {}) as { id: string; properties: Record<string, string | null> };
  }
}

function link(id: string, associationTypeId: number): object {
  return { to: { id }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId }] };
}
