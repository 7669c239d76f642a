import { commandLine } from '../../ports/events.js'
import { type KeyRotation, type KeyWithState, listKeys, rotateKeys } from '../../service/keys/rotate-keys.js'
import { defineCommand } from '../command.js'
import { withPorts } from '../context.js'
import { type Columns, jsonOption, printDone, printPage, time, toObject } from '../output.js'

const columns: Columns<KeyWithState> = {
  kid: (key) => key.kid,
  alg: (key) => key.alg,
  state: (key) => key.state,
  created_at: (key) => time(key.createdAt),
  signs_from: (key) => time(key.signsFrom),
  retires_at: (key) => (key.retiresAt === null ? null : time(key.retiresAt))
}

export const keyList = defineCommand({
  name: 'key list',
  summary: 'List the signing keys and their states, newest first.',
  options: jsonOption,
  run: ({ options }, context) =>
    withPorts(context, async (ports) => {
      printPage(context.terminal, options, 'keys', columns, { items: await listKeys(ports), nextCursor: null })
    })
})

export const keyRotate = defineCommand({
  name: 'key rotate',
  summary: 'Publish the next signing key. It signs once every cache has it.',
  details:
    'No session ends. Use --revoke-old for a leaked key: the next key signs at once, all others retire at once, ' +
    'and every client must refresh.',
  options: {
    'revoke-old': { type: 'boolean', summary: 'Refuse at once all tokens that the older keys signed.' },
    'dry-run': { type: 'boolean', summary: 'Change nothing; print what would happen, and when.' },
    ...jsonOption
  },
  async run({ options }, context) {
    const { 'revoke-old': revokeOld = false, 'dry-run': dryRun = false, ...style } = options
    await withPorts(context, async (ports) => {
      const { rotated, keys } = await rotateKeys(ports, { revokeOld, dryRun }, commandLine)
      const rows = keys.map((key) => toObject(columns, key))
      printDone(context.terminal, style, sentence({ rotated, keys }, dryRun), { dry_run: dryRun, rotated, keys: rows })
      if (!style.json) printPage(context.terminal, style, 'keys', columns, { items: keys, nextCursor: null })
    })
  }
})

function sentence({ rotated, keys: [next] }: KeyRotation, dryRun: boolean): string {
  if (!rotated) return 'The next key is published already; nothing was changed.'
  const start = next?.state === 'published' ? `at ${time(next.signsFrom)}` : 'at once'
  return dryRun ? `A new key would sign ${start}. The keys would be:` : `The new key signs ${start}. The keys are:`
}
