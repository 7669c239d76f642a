import type { RotationState, Verdict } from '../../../src/core/rotation.js'
import { applyVerdict } from '../rotation-model/row.js'
import type { SearchSetting } from './setting.js'
import { type Behind, type Key, keys, oldest, type Scale, type State } from './state.js'

/** Long before any session ends: the search leaves both ends out. */
const life = { idleSeconds: 1e9, absoluteSeconds: 1e9 }
const now = 1e9
/** The generation that the row of a state is given. */
const base = 100

export interface Answer {
  readonly verdict: Verdict['kind']
  /** The row afterwards, and by how many generations it moved; null if the session ended. */
  readonly row: Pick<State, 'age' | 'rowKey' | 'keyUsed' | 'recovered'> | null
  readonly moved: number
  /** The token of the response, behind the row afterwards; null if the presented one was not replaced. */
  readonly token: Behind | null
  readonly inWindow: boolean
  readonly event: boolean
}

/** The server's answer to one request: `decide`, and the row as a store writes it. */
export function serverOf({ decide, policy, stepSeconds }: SearchSetting, { graceSteps, maxRecovered }: Scale) {
  const answers = new Map<number, Answer>()

  const answer = (state: State, token: Behind, key: Key): Answer => {
    const row: RotationState = {
      generation: base,
      rotatedAt: now - state.age * stepSeconds * 1000,
      retryKeyHash: state.rowKey === 'none' ? null : state.rowKey,
      keyUsed: state.keyUsed,
      recoveredGeneration: state.recovered === maxRecovered ? null : base - state.recovered,
      idleExpiresAt: now * 2,
      absoluteExpiresAt: now * 2
    }
    // A key that nobody holds any more matches no row.
    const presented = { generation: base - token, retryKeyHash: key === 'none' ? null : key === 'gone' ? 'lost' : key }
    const verdict = decide(row, presented, policy, now)
    const next = applyVerdict(row, verdict, presented, life, now)
    const inWindow = state.age < graceSteps
    if (next === null) return { verdict: verdict.kind, row: null, moved: 0, token: null, inWindow, event: true }
    const moved = next.generation - base
    const handed = 'generation' in verdict ? next.generation - verdict.generation : 0
    return {
      verdict: verdict.kind,
      row: {
        age: Math.round((now - (next.rotatedAt ?? 0)) / 1000 / stepSeconds),
        rowKey: keys.find((known) => known === next.retryKeyHash) ?? (next.retryKeyHash === null ? 'none' : 'gone'),
        keyUsed: next.keyUsed,
        recovered: Math.min(next.generation - (next.recoveredGeneration ?? Number.NEGATIVE_INFINITY), maxRecovered)
      },
      moved,
      token: handed === token + moved ? null : Math.min(handed, oldest),
      inWindow,
      event: next !== row && verdict.kind !== 'rotate'
    }
  }

  return (state: State, token: Behind, key: Key): Answer => {
    const number =
      ((((state.age * keys.length + keys.indexOf(state.rowKey)) * 2 + Number(state.keyUsed)) * (maxRecovered + 1) +
        state.recovered) *
        keys.length +
        keys.indexOf(key)) *
        (oldest + 1) +
      token
    const known = answers.get(number) ?? answer(state, token, key)
    answers.set(number, known)
    return known
  }
}
