import type { SchemaIdStore } from '@throughline/contracts';
import type { Queryable, Statement } from '@throughline/postgres';

const findSchemaId: Statement = {
  name: 'find-schema-id',
  text: `SELECT id FROM schema_id WHERE subject = $1 AND md5(schema) = md5($2::text) AND schema = $2 ORDER BY id LIMIT 1`,
};
const findSchema: Statement = { name: 'find-schema', text: `SELECT schema FROM schema_id WHERE id = $1 LIMIT 1` };
const saveSchemaId: Statement = {
  name: 'save-schema-id',
  text: `INSERT INTO schema_id (id, subject, schema) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
};

/** Keeps what the registry said in the service's own database, so that the service starts and reads while the registry is away. */
export function schemaIdStore(database: Queryable): SchemaIdStore {
  return {
    async findId(subject, schema) {
      return (await database.query<{ id: number }>(findSchemaId, [subject, schema]))[0]?.id;
    },
    async findSchema(id) {
      return (await database.query<{ schema: string }>(findSchema, [id]))[0]?.schema;
    },
    async save({ id, subject, schema }) {
      await database.query(saveSchemaId, [id, subject, schema]);
    },
  };
}
