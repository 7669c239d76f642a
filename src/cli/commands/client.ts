import { maxClientName } from '../../core/clients.js'
import type { Client, ClientSecret } from '../../ports/clients.js'
import { commandLine } from '../../ports/events.js'
import { addClientSecret, type ClientWithSecret, createClient } from '../../service/admin/create-client.js'
import { deleteClient, deleteClientSecret } from '../../service/admin/delete-client.js'
import { listClients } from '../../service/admin/listings.js'
import { defineCommand, UsageError } from '../command.js'
import { withPorts } from '../context.js'
import { requireId } from '../ids.js'
import { type Columns, jsonOption, printDone, printOne, printPage, time } from '../output.js'
import { pagingOptions, readPage, readPaging } from '../paging.js'

const columns: Columns<Client> = {
  id: (client) => client.id,
  name: (client) => client.name,
  scopes: (client) => client.scopes,
  created_at: (client) => time(client.createdAt),
  secret: ({ secrets: [newest] }) => secretCell(newest),
  older_secret: ({ secrets: [, older] }) => secretCell(older)
}

const secretCell = (secret: ClientSecret | undefined) => (secret === undefined ? null : `${secret.id} …${secret.hint}`)

const secretColumns: Columns<ClientWithSecret> = {
  id: ({ client }) => client.id,
  name: ({ client }) => client.name,
  scopes: ({ client }) => client.scopes,
  secret_id: ({ secretId }) => secretId,
  secret: ({ secret }) => secret
}

export const clientCreate = defineCommand({
  name: 'client create',
  summary: 'Create a machine client, and print its id and its secret.',
  details: 'The secret is shown only now. The client gets access tokens with it (POST /token).',
  options: {
    scope: {
      type: 'string',
      multiple: true,
      summary: 'A scope, such as reports:read. Ours are latchkey:introspect, latchkey:revoke and latchkey:feed.'
    },
    ...jsonOption
  },
  operands: ['NAME'],
  async run({ options, operands }, context) {
    const scopes = options.scope ?? []
    if (scopes.length === 0) throw new UsageError('--scope is missing.')
    await withPorts(context, async (ports) => {
      const created = await createClient(ports, { name: requireName(operands.NAME), scopes }, commandLine)
      printOne(context.terminal, options, secretColumns, created)
    })
  }
})

export const clientList = defineCommand({
  name: 'client list',
  summary: 'List machine clients, newest first, with the ids and the ends of their secrets.',
  options: { ...pagingOptions, ...jsonOption },
  async run({ options }, context) {
    const paging = readPaging(options)
    await withPorts(context, async (ports) => {
      printPage(context.terminal, options, 'clients', columns, await readPage(listClients(ports, paging)))
    })
  }
})

export const clientAddSecret = defineCommand({
  name: 'client add-secret',
  summary: 'Add a second secret to a client, and print it. CLIENT is an id.',
  details: 'Both secrets are accepted until one is deleted. The secret is shown only now.',
  options: jsonOption,
  operands: ['CLIENT'],
  run: ({ options, operands }, context) =>
    withPorts(context, async (ports) => {
      printOne(context.terminal, options, secretColumns, await addClientSecret(ports, operands.CLIENT, commandLine))
    })
})

export const clientDeleteSecret = defineCommand({
  name: 'client delete-secret',
  summary: 'Delete a secret of a client, and refuse all tokens that were obtained with it. Both are ids.',
  options: jsonOption,
  operands: ['CLIENT', 'SECRET'],
  run: ({ options, operands }, context) =>
    withPorts(context, async (ports) => {
      const secretId = requireId(operands.SECRET)
      await deleteClientSecret(ports, { clientId: operands.CLIENT, secretId }, commandLine)
      printDone(context.terminal, options, 'The secret is deleted, and its tokens are refused.', { deleted: secretId })
    })
})

export const clientDelete = defineCommand({
  name: 'client delete',
  summary: 'Delete a client, and refuse all its tokens. CLIENT is an id.',
  options: jsonOption,
  operands: ['CLIENT'],
  run: ({ options, operands }, context) =>
    withPorts(context, async (ports) => {
      await deleteClient(ports, operands.CLIENT, commandLine)
      printDone(context.terminal, options, 'The client is deleted, and its tokens are refused.', {
        deleted: operands.CLIENT
      })
    })
})

/** The same names as over HTTP: a terminal obeys control characters. */
function requireName(name: string): string {
  if (name !== '' && name.length <= maxClientName && !/\p{Cc}/u.test(name)) return name
  throw new UsageError(`NAME must have 1 to ${maxClientName} characters, and no control characters.`)
}
