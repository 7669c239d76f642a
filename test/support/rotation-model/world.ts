import type { RotationPolicy } from '../../../src/core/policy.js'
import type { decideRotation, RotationState, Verdict } from '../../../src/core/rotation.js'
import { agenda } from './agenda.js'
import { applyVerdict, type Life, newRow } from './row.js'
import type { Journey, Step } from './script.js'

/** What the honest client does and what the network may do to it: the assumptions of a promise. */
export interface Setting {
  readonly decide: typeof decideRotation
  readonly policy: RotationPolicy
  readonly life: Life
  /** The client gives up a refresh after this time; neither request nor response arrives later. */
  readonly giveUpSeconds: number
  /** The `Idempotency-Key` of the honest client: none, or one for the session that all its tabs share. */
  readonly key: string | null
  /** Whether the client starts a refresh only after the previous one was answered or given up. */
  readonly inTurn: boolean
  /** Which responses may be lost: none, any, or one in this many generations. */
  readonly losses: 'none' | 'any' | number
  /** Whether the network may deliver a request twice. */
  readonly copies: boolean
  /** Whether the client keeps the token of every answer, or only one that differs from what it sent. */
  readonly keeps: 'changed' | 'all'
}

/** The `Idempotency-Key` of the thief, if the thief sends one. */
export const thiefsKey = 'a key of the thief'

export type Party = 'honest' | 'thief'

/** One answer of the server, or one theft. */
export interface Answer {
  readonly party: Party
  /** In seconds: when it was written, or decided if nothing was written. */
  readonly at: number
  readonly verdict: Verdict['kind'] | 'ended' | 'stolen'
  /** How many generations the token was behind the row. */
  readonly behind: number
  /** The generation that the party received; null if it was refused. */
  readonly handed: number | null
  /** Whether the request had the key of the request that made the row's generation. */
  readonly hasKey: boolean
  /** Whether the row was rotated or recovered less than the grace before. */
  readonly inWindow: boolean
  /** Whether the session was past an end when this was decided, as the model itself computes it. */
  readonly afterEnd: boolean
}

export interface History {
  readonly answers: readonly Answer[]
  readonly endedBy: 'reuse' | 'expired' | 'revoked' | null
  readonly row: RotationState | null
  /** The generation that the honest client holds at the end. */
  readonly jar: number
}

interface Request {
  readonly party: Party
  readonly generation: number
  readonly retryKeyHash: string | null
  readonly sentAt: number
  readonly journey: Journey
}

/**
 * Plays a script against `decideRotation`: one session, one honest client, one thief, and a network that delays, reorders,
 * duplicates and loses messages. Time is in whole seconds and starts at 0.
 */
export function play(steps: readonly Step[], setting: Setting): History {
  const { policy, life, giveUpSeconds } = setting
  const slowest = Math.ceil(giveUpSeconds) - 1
  const time = agenda()
  let row: RotationState | null = newRow(life, 0)
  let endedBy: History['endedBy'] = null
  let jar = 0
  let busyUntil = 0
  let lastLoss = Number.NEGATIVE_INFINITY
  const honestTokens = [0]
  const thiefTokens: number[] = []
  const answers: Answer[] = []

  const send = (request: Request) => {
    const { up, order, pause, requestLost, copy, copyReceived } = request.journey
    if (requestLost) return
    const doubled = setting.copies && copy !== null
    const pauseInTime = Math.min(pause, Math.max(0, slowest - up))
    time.after(up, order, () => decide(request, !(doubled && copyReceived), pauseInTime))
    if (doubled) time.after(copy, order, () => decide(request, copyReceived, 0))
  }

  const decide = (request: Request, isReceived: boolean, pause: number) => {
    const seen = row
    const { party } = request
    const at = time.now()
    if (seen === null) {
      answers.push({
        party,
        at,
        verdict: 'ended',
        behind: 0,
        handed: null,
        hasKey: false,
        inWindow: false,
        afterEnd: true
      })
      return
    }
    const verdict = setting.decide(seen, request, policy, at * 1000)
    const inWindow = seen.rotatedAt !== null && at * 1000 - seen.rotatedAt < policy.graceSeconds * 1000
    const hasKey = request.retryKeyHash !== null && request.retryKeyHash === seen.retryKeyHash
    const afterEnd = at * 1000 >= Math.min(seen.idleExpiresAt, seen.absoluteExpiresAt)
    const behind = seen.generation - request.generation
    const note = (handed: number | null, at: number) =>
      answers.push({ party, at, verdict: verdict.kind, behind, handed, hasKey, inWindow, afterEnd })

    const write = () => {
      const next = applyVerdict(seen, verdict, request, life, time.now() * 1000)
      if (next === null) {
        if (row !== null) endedBy = verdict.kind === 'expired' ? 'expired' : 'reuse'
        row = null
        note(null, time.now())
        return
      }
      if (next !== seen && row !== seen) {
        decide(request, isReceived, 0)
        return
      }
      row = next === seen ? row : next
      const handed = 'generation' in verdict ? verdict.generation : null
      note(handed, next === seen ? at : time.now())
      if (handed !== null && isReceived) answer(request, handed)
    }
    if (pause === 0) write()
    else time.after(pause, request.journey.order, write)
  }

  const answer = ({ party, generation, journey, sentAt }: Request, handed: number) => {
    if (party === 'thief') {
      thiefTokens.push(handed)
      return
    }
    honestTokens.push(handed)
    const down = Math.min(journey.down, slowest - (time.now() - sentAt))
    const tooLate = down < journey.down
    if ((journey.responseLost || tooLate) && mayLose(handed)) {
      lastLoss = handed
      return
    }
    time.after(down, journey.order, () => {
      if (setting.keeps === 'all' || handed !== generation) jar = handed
      busyUntil = time.now()
    })
  }

  const mayLose = (generation: number) =>
    setting.losses === 'any' || (setting.losses !== 'none' && generation - lastLoss >= setting.losses)

  const take = (step: Step) => {
    const sentAt = time.now()
    switch (step.do) {
      case 'wait':
        time.pass(step.seconds)
        break
      case 'refresh':
        if (setting.inTurn && sentAt < busyUntil) break
        busyUntil = sentAt + giveUpSeconds
        send({ party: 'honest', generation: jar, retryKeyHash: setting.key, sentAt, journey: step.journey })
        break
      case 'steal': {
        const handed = fromNewest(honestTokens, step.back) ?? 0
        thiefTokens.push(handed)
        answers.push({
          party: 'thief',
          at: sentAt,
          verdict: 'stolen',
          behind: 0,
          handed,
          hasKey: false,
          inWindow: true,
          afterEnd: false
        })
        break
      }
      case 'abuse': {
        const generation = fromNewest(thiefTokens, step.back)
        const retryKeyHash = step.withKey ? thiefsKey : null
        if (generation !== undefined) send({ party: 'thief', generation, retryKeyHash, sentAt, journey: step.journey })
        break
      }
      case 'revoke':
        if (row !== null) endedBy = 'revoked'
        row = null
        break
    }
  }

  for (const step of steps) take(step)
  time.pass(Number.POSITIVE_INFINITY)
  return { answers, endedBy, row, jar }
}

const fromNewest = (tokens: readonly number[], back: number) => tokens[Math.max(0, tokens.length - 1 - back)]
