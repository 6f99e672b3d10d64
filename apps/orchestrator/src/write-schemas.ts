import { writeFileSync } from 'node:fs';
import { policySchema } from '@throughline/policy';
import { calendarJsonSchema, definitionJsonSchema } from '@throughline/process';
import { z } from 'zod';

// `npm run generate`: the JSON Schemas by which editors complete and check the YAML files of this app.
const schemas = {
  'processes/process.schema.json': definitionJsonSchema(),
  'policies/policy.schema.json': z.toJSONSchema(policySchema, { io: 'input' }),
  'calendars/calendar.schema.json': calendarJsonSchema(),
};
for (const [file, schema] of Object.entries(schemas))
  writeFileSync(new URL(`../${file}`, import.meta.url), `${JSON.stringify(schema, null, 2)}\n`);
