import type { SearchSetting } from './setting.js'

/** All keys of a search. `a-old` and `b-old`: the key before, which a doubled request may still carry. */
export const keys = ['none', 'a', 'a-old', 'b', 'b-old', 'thief', 'gone'] as const
export type Key = (typeof keys)[number]

/** A token, by how many generations it is behind the row. 3 stands for 3 and more: the server treats them alike. */
export type Behind = number
export const oldest: Behind = 3

export interface Request {
  readonly age: number
  readonly token: Behind
  readonly key: Key
}

/** What a tab waits for: nothing, its request to arrive, or a response to arrive. */
export type Tab =
  | { readonly phase: 'idle' }
  | ({ readonly phase: 'request' } & Request)
  /** `token` is null if the response leaves the client's token as it is. */
  | { readonly phase: 'response'; readonly age: number; readonly token: Behind | null }

type Tabs = readonly [Tab, Tab]

/** One moment of a search. Ages are in steps. Generations are relative to the row's, so that there are finitely many states. */
export interface State {
  /** Steps since the window began, at most the steps of the grace. */
  readonly age: number
  readonly rowKey: Key
  readonly keyUsed: boolean
  /** Generations since the last recovery, at most `recoveryGenerations`; that many also if there was none. */
  readonly recovered: number
  /** Generations since a response was lost, counted in the same way; only for `losses: 'one-in-recovery'`. */
  readonly lost: number
  /** The token in the cookie jar that the tabs share. */
  readonly jar: Behind
  readonly tabs: Tabs
  /** The second copy of a request, if one is on its way. Nobody receives its response. */
  readonly double: Request | null
  readonly theft: Theft | null
}

interface Theft {
  /** The tokens that the thief holds and the server may still answer. */
  readonly tokens: readonly [newest: boolean, before: boolean, twoBefore: boolean]
  /** The newest token that the server has sent to the client. */
  readonly client: Behind
  /** Whether the thief has received a newer token since the theft, or since the last round. */
  readonly isAhead: boolean
  /** How often the client was sent a newer token after the thief had received one. Counted up to `maxRounds`. */
  readonly rounds: number
  /** Whether an event was written since the theft. */
  readonly traced: boolean
}

/** A search ends when it has found a story with this many rounds. */
export const maxRounds = 3

export const idle: Tab = { phase: 'idle' }

export interface Scale {
  readonly graceSteps: number
  readonly maxAge: number
  readonly maxRecovered: number
}

export function scaleOf({ policy, stepSeconds, giveUpSeconds }: SearchSetting): Scale {
  return {
    graceSteps: Math.ceil(policy.graceSeconds / stepSeconds),
    maxAge: Math.floor(giveUpSeconds / stepSeconds),
    maxRecovered: Math.max(policy.recoveryGenerations, 1)
  }
}

/** Numbers the states: equal states have the same number. `areAlike`: it does not matter which tab is which. */
export function numbering({ graceSteps, maxAge, maxRecovered }: Scale, areAlike: boolean): (state: State) => number {
  const ages = maxAge + 1
  const tokens = oldest + 1
  const tabNumbers = 1 + ages * tokens + ages * (tokens + 1)
  const tabNumber = (tab: Tab) => {
    if (tab.phase === 'idle') return 0
    // The key of a request follows from its tab.
    if (tab.phase === 'request') return 1 + tab.age * tokens + tab.token
    return 1 + ages * tokens + tab.age * (tokens + 1) + (tab.token ?? tokens)
  }
  const requestNumber = ({ age, token, key }: Request) => (age * tokens + token) * keys.length + keys.indexOf(key)
  const theftNumber = ({ tokens: [newest, before, twoBefore], client, isAhead, rounds, traced }: Theft) => {
    const held = Number(newest) + Number(before) * 2 + Number(twoBefore) * 4
    return (((held * tokens + client) * 2 + Number(isAhead)) * (maxRounds + 1) + rounds) * 2 + Number(traced)
  }
  const thefts = 8 * tokens * 2 * (maxRounds + 1) * 2

  return ({ age, rowKey, keyUsed, recovered, lost, jar, tabs, double, theft }) => {
    const [first, second] = [tabNumber(tabs[0]), tabNumber(tabs[1])]
    const isSwapped = areAlike && first > second
    let number = age
    const add = (value: number, size: number) => {
      number = number * size + value
    }
    add(keys.indexOf(rowKey), keys.length)
    add(Number(keyUsed), 2)
    add(recovered, maxRecovered + 1)
    add(lost, maxRecovered + 1)
    add(jar, tokens)
    add(isSwapped ? second : first, tabNumbers)
    add(isSwapped ? first : second, tabNumbers)
    add(double === null ? 0 : 1 + requestNumber(double), ages * tokens * keys.length + 1)
    add(theft === null ? 0 : 1 + theftNumber(theft), thefts + 1)
    if (age > graceSteps || number > Number.MAX_SAFE_INTEGER) throw new Error('The state has no number.')
    return number
  }
}
