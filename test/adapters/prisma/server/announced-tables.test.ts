import t from 'tap'
import { openServerDatabase } from '../../../../src/adapters/prisma/server/server-database.js'
import { onServer, serverUrl, testSchema } from '../../../support/database.js'

const handlers = { onNotice: () => undefined, onLost: () => undefined }

t.test(
  'the notices of a table are not relied on while its trigger is missing or disabled',
  { skip: serverUrl === undefined && 'needs TEST_DATABASE_URL' },
  async (t) => {
    const url = await testSchema(t)
    const schema = new URL(url).searchParams.get('schema')
    const database = await openServerDatabase({ url })
    t.teardown(() => database.close())
    const change = (statement: string) => onServer((client) => client.query(statement))
    for (const table of ['revocation', 'signing_key']) {
      const connect = () => {
        const connecting = database.listen?.(`latchkey_${table}`)(handlers)
        if (connecting === undefined) throw new Error('This database sends no notices.')
        return connecting
      }
      await (await connect()).close()
      await change(`ALTER TABLE ${schema}.${table} DISABLE TRIGGER ${table}_notify`)
      await t.rejects(connect(), { message: `No trigger sends notices to latchkey_${table}.` })
      await change(`ALTER TABLE ${schema}.${table} ENABLE TRIGGER ${table}_notify`)
      await (await connect()).close()
      await change(`DROP TRIGGER ${table}_notify ON ${schema}.${table}`)
      await t.rejects(connect(), { message: `No trigger sends notices to latchkey_${table}.` })
    }
  }
)
