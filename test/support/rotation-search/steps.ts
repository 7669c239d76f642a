import { type Answer, serverOf } from './server.js'
import type { SearchSetting } from './setting.js'
import {
  type Behind,
  idle,
  type Key,
  maxRounds,
  oldest,
  type Request,
  type Scale,
  type State,
  type Tab
} from './state.js'

/** One thing that can happen next. */
export interface Step {
  readonly what: () => string
  /** Null if the session ended: the server took a token for a stolen one. */
  readonly next: State | null
  /** Whether the thief received a newer token inside the window. */
  readonly newerInsideWindow?: boolean
}

const tokenWords = ['the newest token', 'the token before', 'the token two before', 'an older token']
const tabIndexes = [0, 1] as const
type TabIndex = (typeof tabIndexes)[number]

/** Everything that can happen in a state: requests, arrivals, losses, the thief, and time. */
export function stepsOf(setting: SearchSetting, scale: Scale): (state: State) => readonly Step[] {
  const answerOf = serverOf(setting, scale)
  // A doubled request whose first copy is lost is a lost response, so only `any` allows it.
  const doubles = setting.losses === 'any'

  const serve = (
    state: State,
    { token, key }: Pick<Request, 'token' | 'key'>
  ): { answer: Answer; next: State | null } => {
    const answer = answerOf(state, token, key)
    if (answer.row === null) return { answer, next: null }
    const older = (token: Behind) => Math.min(token + answer.moved, oldest)
    const next = answer.moved === 0 ? state : withOlderTokens(state, older)
    const lost = Math.min(state.lost + answer.moved, scale.maxRecovered)
    const isTraced = next.theft !== null && answer.event
    return {
      answer,
      next: { ...next, ...answer.row, lost, theft: isTraced ? { ...next.theft, traced: true } : next.theft }
    }
  }

  const sends = (state: State, steps: Step[]) => {
    const isQuiet = state.tabs.every(({ phase }) => phase === 'idle')
    for (const index of tabIndexes) {
      if (!(setting.atOnce ? state.tabs[index].phase === 'idle' : isQuiet)) continue
      send(state, index, '', steps)
      const renewed = setting.keys === 'per-operation' ? withNewKey(state, index) : null
      if (renewed !== null) send(renewed, index, ' with a new key', steps)
    }
    if (setting.keys === 'one-may-be-lost' && state.rowKey === 'a' && isQuiet && state.double === null)
      steps.push({ what: () => 'the browser loses the key', next: { ...state, rowKey: 'gone' } })
  }

  const send = (state: State, index: TabIndex, how: string, steps: Step[]) => {
    const request: Request = { age: 0, token: state.jar, key: keyOf(setting, index) }
    const sent = withTab(state, index, { phase: 'request', ...request })
    const what = () => `tab ${index + 1} sends ${tokenWords[state.jar]}${how}`
    steps.push({ what, next: sent })
    if (doubles && state.double === null)
      steps.push({ what: () => `${what()}, and the network doubles it`, next: { ...sent, double: request } })
  }

  const arrivals = (state: State, steps: Step[]) => {
    for (const index of tabIndexes) {
      const tab = state.tabs[index]
      if (tab.phase === 'request') {
        const { answer, next } = serve(state, tab)
        const response: Tab = { phase: 'response', age: tab.age, token: answer.token }
        steps.push({
          what: () => `tab ${index + 1}'s request arrives: ${answer.verdict}`,
          next: next && withRound(withTab(next, index, response), answer.token)
        })
        steps.push({ what: () => `tab ${index + 1}'s request is lost`, next: withTab(state, index, idle) })
      }
      if (tab.phase === 'response') {
        const answered = withTab(state, index, idle)
        const next = tab.token === null ? answered : { ...answered, jar: tab.token }
        steps.push({ what: () => `tab ${index + 1}'s response arrives`, next })
        const lost = loses(state, index)
        if (lost !== null) steps.push({ what: () => `tab ${index + 1}'s response is lost`, next: lost })
      }
    }
    if (state.double === null) return
    const { answer, next } = serve({ ...state, double: null }, state.double)
    steps.push({ what: () => `the doubled request arrives: ${answer.verdict}`, next })
  }

  /** The state after the response of a tab was lost; null if it may not be. */
  const loses = (state: State, index: TabIndex): State | null => {
    const tab = state.tabs[index]
    const lost = withTab(state, index, idle)
    if (tab.phase !== 'response' || tab.token === null || setting.losses === 'any') return lost
    return setting.losses === 'none' || state.lost < setting.policy.recoveryGenerations ? null : { ...lost, lost: 0 }
  }

  const thefts = (state: State, steps: Step[]) => {
    if (setting.thief === undefined) return
    const { theft } = state
    for (const token of [0, 1, 2]) {
      if (theft === null) {
        const tokens = [token === 0, token === 1, token === 2] as const
        const taken = { tokens, client: newestSent(state), isAhead: false, rounds: 0, traced: false }
        steps.push({ what: () => `the thief steals ${tokenWords[token]}`, next: { ...state, theft: taken } })
      } else if (theft.tokens[token] === true) {
        for (const key of thiefKeys[setting.thief]) steps.push(abuse(state, token, key))
      }
    }
  }

  const abuse = (state: State, token: Behind, key: Key): Step => {
    const { answer, next } = serve(state, { token, key })
    const what = () => `the thief sends ${tokenWords[token]}${keyWords[key] ?? ''}: ${answer.verdict}`
    if (next?.theft == null || answer.token === null) return { what, next }
    const [newest, before, twoBefore] = next.theft.tokens
    const isNewer = !next.theft.tokens.includes(true) || answer.token < next.theft.tokens.indexOf(true)
    const tokens = [
      newest || answer.token === 0,
      before || answer.token === 1,
      twoBefore || answer.token === 2
    ] as const
    const theft = { ...next.theft, tokens, isAhead: next.theft.isAhead || isNewer }
    return { what, next: { ...next, theft }, newerInsideWindow: isNewer && answer.inWindow && token > 0 }
  }

  const time = (state: State, steps: Step[]) => {
    let next: State | null = state
    for (const index of tabIndexes) {
      const tab: Tab | undefined = next?.tabs[index]
      if (next === null || tab === undefined || tab.phase === 'idle' || tab.age < scale.maxAge) continue
      next = tab.phase === 'request' ? withTab(next, index, idle) : loses(next, index)
    }
    // A response that may not be lost arrives first.
    if (next === null) return
    const older = (tab: Tab): Tab => (tab.phase === 'idle' ? tab : { ...tab, age: tab.age + 1 })
    const isLate = next.double !== null && next.double.age >= scale.maxAge
    const later: State = {
      ...next,
      age: Math.min(next.age + 1, scale.graceSteps),
      tabs: [older(next.tabs[0]), older(next.tabs[1])],
      double: next.double === null || isLate ? null : { ...next.double, age: next.double.age + 1 }
    }
    steps.push({ what: () => `${setting.stepSeconds} s pass`, next: later })
  }

  return (state) => {
    const steps: Step[] = []
    sends(state, steps)
    arrivals(state, steps)
    thefts(state, steps)
    time(state, steps)
    return steps
  }
}

const thiefKeys = { own: ['none', 'thief'], clients: ['none', 'thief', 'a'] } as const
const keyWords: Partial<Record<Key, string>> = { thief: ' with a key of their own', a: " with the client's key" }

function keyOf({ keys }: SearchSetting, index: TabIndex): Key {
  if (keys === 'none' || (keys === 'with-and-without' && index === 1)) return 'none'
  return index === 1 && (keys === 'two' || keys === 'per-operation') ? 'b' : 'a'
}

/** The state after a tab made a new key; null if that changes nothing, or if a doubled request has the one before. */
function withNewKey(state: State, index: TabIndex): State | null {
  const [key, old] = index === 0 ? (['a', 'a-old'] as const) : (['b', 'b-old'] as const)
  const isUsed = state.rowKey === key || state.double?.key === key
  if (!isUsed || state.double?.key === old) return null
  const rename = (held: Key): Key => (held === key ? old : held === old ? 'gone' : held)
  return {
    ...state,
    rowKey: rename(state.rowKey),
    double: state.double && { ...state.double, key: rename(state.double.key) }
  }
}

const withTab = (state: State, index: TabIndex, tab: Tab): State => ({
  ...state,
  tabs: index === 0 ? [tab, state.tabs[1]] : [state.tabs[0], tab]
})

/** The state after the row has moved: every token is further behind. */
function withOlderTokens(state: State, older: (token: Behind) => Behind): State {
  const olderTab = (tab: Tab): Tab =>
    tab.phase === 'idle' || tab.token === null ? tab : { ...tab, token: older(tab.token) }
  const { theft, double } = state
  return {
    ...state,
    jar: older(state.jar),
    tabs: [olderTab(state.tabs[0]), olderTab(state.tabs[1])],
    double: double && { ...double, token: older(double.token) },
    theft: theft && { ...theft, client: older(theft.client), tokens: [false, theft.tokens[0], theft.tokens[1]] }
  }
}

/** Counts a round if the server sent the client a newer token after the thief had received one. */
function withRound(state: State, token: Behind | null): State {
  const { theft } = state
  if (theft === null || token === null || token >= theft.client) return state
  const rounds = Math.min(theft.rounds + Number(theft.isAhead), maxRounds)
  return { ...state, theft: { ...theft, client: token, isAhead: false, rounds } }
}

const newestSent = ({ jar, tabs }: State): Behind =>
  Math.min(jar, ...tabs.map((tab) => (tab.phase === 'response' ? (tab.token ?? jar) : jar)))
