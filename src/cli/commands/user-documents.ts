import { text } from 'node:stream/consumers'
import { isJsonObject, type Json, type JsonObject } from '../../core/merge-patch.js'
import { repeatedName } from '../../core/repeated-name.js'
import { commandLine } from '../../ports/events.js'
import { listSessionsOfUser } from '../../service/admin/listings.js'
import { readUserDetails, type UserDetails } from '../../service/admin/read-user.js'
import { updateUser } from '../../service/admin/update-user.js'
import { defineCommand, UsageError } from '../command.js'
import { withPorts } from '../context.js'
import { findUserId } from '../ids.js'
import { type Columns, jsonOption, printOne, time } from '../output.js'

interface ShownUser extends UserDetails {
  readonly liveSessions: number
}

const columns: Columns<ShownUser> = {
  id: (user) => user.id,
  email: (user) => user.email,
  email_verified_at: (user) => (user.emailVerifiedAt === null ? null : time(user.emailVerifiedAt)),
  external_id: (user) => user.externalId,
  roles: (user) => user.roles,
  disabled: (user) => user.disabled,
  created_at: (user) => time(user.createdAt),
  live_sessions: (user) => user.liveSessions
}

export const userShow = defineCommand({
  name: 'user show',
  summary: 'Show an account with its attributes and its profile. USER is an id or an e-mail address.',
  options: jsonOption,
  operands: ['USER'],
  run: ({ options, operands }, context) =>
    withPorts(context, async (ports) => {
      const id = await findUserId(ports, operands.USER)
      const [user, sessions] = await Promise.all([readUserDetails(ports, id), listSessionsOfUser(ports, id)])
      const { attributes, profile } = user
      printOne(context.terminal, options, columns, { ...user, liveSessions: sessions.length }, { attributes, profile })
    })
})

export const userSetAttributes = defineCommand({
  name: 'user set-attributes',
  summary: 'Change the attributes of an account. USER is an id or an e-mail address, JSON an object.',
  details:
    'JSON is a merge patch (RFC 7396): its members replace the old ones, null removes one, and all others stay. If JSON is -, it is read from standard input.',
  options: jsonOption,
  operands: ['USER', 'JSON'],
  async run({ options, operands }, context) {
    const patch = readPatch(operands.JSON === '-' ? await text(context.terminal.stdin) : operands.JSON)
    await withPorts(context, async (ports) => {
      const id = await findUserId(ports, operands.USER)
      const { attributes } = await updateUser(ports, id, { attributes: patch }, commandLine)
      printOne(context.terminal, options, { id: () => id }, attributes, { attributes })
    })
  }
})

/** Reads JSON as the admin route does. Refuses an object with one name twice, because one value would be lost. */
function readPatch(json: string): JsonObject {
  const patch = parse(json)
  if (!isJsonObject(patch)) throw new UsageError('JSON must be an object, such as {"plan":"pro"}.')
  const repeated = repeatedName(json)
  if (repeated !== undefined) throw new UsageError(`JSON has the name ${JSON.stringify(repeated)} twice.`)
  return patch
}

function parse(json: string): Json {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new UsageError(`JSON cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}
