import { refreshTimeoutSeconds, safeGraceSeconds } from '../../../src/core/policy.js'
import { decideRotation } from '../../../src/core/rotation.js'
import type { SearchSetting } from './setting.js'

type Decide = typeof decideRotation

/** A search, and the first columns of its row in the docs. */
export interface SearchRow {
  readonly words: readonly string[]
  readonly setting: SearchSetting
}

/** The default setting of the service, apart from `recoveryGenerations`: 3 in place of 16, to keep the searches small. */
const base: SearchSetting = {
  decide: decideRotation,
  policy: { graceSeconds: safeGraceSeconds, recoveryGenerations: 3 },
  stepSeconds: 5,
  giveUpSeconds: refreshTimeoutSeconds,
  atOnce: true,
  keys: 'one',
  losses: 'any',
  thief: undefined
}

const row = (words: readonly string[], changes: Partial<SearchSetting> = {}): SearchRow => ({
  words,
  setting: { ...base, ...changes }
})

const strict = { policy: { graceSeconds: 0, recoveryGenerations: 3 } }
const noRecovery = { policy: { graceSeconds: safeGraceSeconds, recoveryGenerations: 0 } }
const inTurn = { atOnce: false }
const noLoss = { losses: 'none' } as const
const oneLoss = { losses: 'one-in-recovery' } as const
const exactlyHalf = { giveUpSeconds: safeGraceSeconds / 2 }

const keyWords = {
  none: 'none',
  one: 'one for both tabs',
  two: 'one for each tab',
  'with-and-without': 'of one tab only',
  'per-operation': 'one for each operation',
  'one-may-be-lost': 'one that may be lost'
} as const

/** A row with its words: key, tabs, lost responses, grace, and when the client gives up. */
function honest(changes: Partial<SearchSetting>): SearchRow {
  const { keys, atOnce, losses, giveUpSeconds, policy } = { ...base, ...changes }
  const lost = {
    none: 'none',
    any: 'any',
    'one-in-recovery': 'one in `recovery` generations'
  }
  const tabs = atOnce ? 'at once' : 'in turn'
  return row([keyWords[keys], tabs, lost[losses], `${policy.graceSeconds} s`, `${giveUpSeconds} s`], changes)
}

/** Is an honest client ever signed out? */
export const honestRows: readonly SearchRow[] = [
  honest({}),
  honest({ keys: 'one-may-be-lost', ...noLoss }),
  honest({ keys: 'one-may-be-lost', ...oneLoss, ...inTurn }),
  honest({ keys: 'one-may-be-lost', ...oneLoss }),
  honest({ keys: 'two', ...noLoss }),
  honest({ keys: 'two', ...oneLoss, ...inTurn }),
  honest({ keys: 'two', ...oneLoss }),
  honest({ keys: 'per-operation', ...noLoss }),
  honest({ keys: 'per-operation', ...oneLoss, ...inTurn }),
  honest({ keys: 'per-operation', ...oneLoss }),
  honest({ keys: 'with-and-without', ...noLoss }),
  honest({ keys: 'with-and-without', ...oneLoss, ...inTurn }),
  honest({ keys: 'with-and-without', ...oneLoss }),
  honest({ keys: 'none', ...noLoss }),
  honest({ keys: 'none', ...oneLoss, ...inTurn }),
  honest({ keys: 'none', ...oneLoss }),
  honest({ keys: 'none', losses: 'any', ...inTurn }),
  honest({ ...exactlyHalf }),
  honest({ keys: 'two', ...noLoss, ...exactlyHalf }),
  honest({ keys: 'none', ...noLoss, ...exactlyHalf }),
  honest({ ...strict, ...noLoss, ...inTurn }),
  honest({ ...strict, ...noLoss })
]

/** How far does a thief get beside the client? */
export const thiefRows: readonly SearchRow[] = [
  row(['token', keyWords.one, 'default'], { thief: 'own' }),
  row(['token', keyWords.one, '`recovery` 0'], { thief: 'own', ...noRecovery }),
  row(['token', keyWords['one-may-be-lost'], 'default'], { thief: 'own', keys: 'one-may-be-lost', ...oneLoss }),
  row(['token', keyWords.two, 'default'], { thief: 'own', keys: 'two', ...oneLoss }),
  row(['token', keyWords['per-operation'], 'default'], { thief: 'own', keys: 'per-operation', ...oneLoss }),
  row(['token', keyWords['with-and-without'], 'default'], { thief: 'own', keys: 'with-and-without', ...oneLoss }),
  row(['token', keyWords.none, 'default'], { thief: 'own', keys: 'none', ...oneLoss }),
  row(['token', keyWords.none, '`recovery` 0'], { thief: 'own', keys: 'none', ...noRecovery, ...noLoss }),
  row(['token and key', keyWords.one, 'default'], { thief: 'clients' }),
  row(['token', keyWords.one, '`grace` 0'], { thief: 'own', ...strict, ...inTurn }),
  row(['token', keyWords.none, '`grace` 0'], { thief: 'own', keys: 'none', ...strict, ...inTurn }),
  row(['token and key', keyWords.one, '`grace` 0'], { thief: 'clients', ...strict, ...inTurn })
]

const withoutKeyRule: Decide = (session, presented, policy, now) =>
  decideRotation(
    { ...session, keyUsed: false },
    presented.retryKeyHash === session.retryKeyHash ? presented : { ...presented, retryKeyHash: null },
    policy,
    now
  )

/** The key rule holds only if an earlier request has moved the row with a key. */
const onlyWrittenKeys: Decide = (session, ...rest) =>
  (session.keyUsed ? decideRotation : withoutKeyRule)(session, ...rest)

const noRecoveryWithKeys: Decide = (session, presented, policy, now) => {
  const usesKeys = session.keyUsed || presented.retryKeyHash !== null
  return decideRotation(session, presented, usesKeys ? { ...policy, recoveryGenerations: 0 } : policy, now)
}

const otherKeyIsReuse: Decide = (session, presented, policy, now) => {
  const verdict = decideRotation(session, presented, policy, now)
  return verdict.kind === 'access_only' ? { kind: 'reuse' } : verdict
}

interface Alternative {
  readonly words: string
  readonly decide: Decide
}

/** Other rules that were tried. Each is searched with the honest clients and the thief of `alternativeRows`. */
export const alternatives: readonly Alternative[] = [
  { words: 'the rules as they are', decide: decideRotation },
  { words: 'no row "key" (version 0.1.0)', decide: withoutKeyRule },
  { words: 'row "key" only once a key has been written', decide: onlyWrittenKeys },
  { words: 'case 7 never where keys are used', decide: noRecoveryWithKeys },
  { words: 'row "key" is reuse', decide: otherKeyIsReuse }
]

/** One thief, and honest clients with other keys, under another rule. */
export function alternativeRows(decide: Decide): {
  readonly thief: SearchSetting
  readonly honest: readonly SearchRow[]
} {
  const of = (keys: SearchSetting['keys'], changes: Partial<SearchSetting>) =>
    row([keyWords[keys]], { decide, keys, ...changes })
  return {
    thief: { ...base, ...oneLoss, decide, thief: 'own' },
    honest: [
      of('one', {}),
      of('two', { ...oneLoss, ...inTurn }),
      of('two', noLoss),
      of('per-operation', { ...oneLoss, ...inTurn }),
      of('one-may-be-lost', { ...oneLoss, ...inTurn })
    ]
  }
}
