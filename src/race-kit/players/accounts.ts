import { randomUUID } from 'node:crypto'
import { type HttpResponse, listMember, textMember } from '../wire/http-message.js'
import { type RaceContext, type RaceRequest, sendUntilServed } from './requests.js'
import { TokenHolder } from './token-holder.js'

const password = 'a throw-away passphrase for racing'
/** Below the service's limit of sessions per user. */
const sessionsPerAccount = 20
/** Password hashes are slow, so more sign-ins at once would only queue. */
const concurrentSignIns = 4

/** A throw-away user, and the sessions that the run created for it. */
export interface Account {
  readonly email: string
  readonly sids: Set<string>
  /** Whether a sign-in got no response: then the account may have one more session. */
  isUnclear: boolean
}

export interface SignedIn {
  readonly account: Account
  readonly holder: TokenHolder
  readonly sid: string
}

/**
 * `race` could not register or sign in its users: the service cannot be reached, limits requests, or refuses them. Or the
 * service has no grace window, so that there is nothing to race for.
 *
 * @example
 * ```ts
 * import { race, SetUpFailed } from 'latchkey/testing'
 *
 * const urls = ['https://auth.example.com/not-the-prefix']
 * try {
 *   await race({ urls, clients: 1, seconds: 1, seed: 1 })
 * } catch (error) {
 *   if (!(error instanceof SetUpFailed)) throw error
 *   console.log(error.message) // The race could not set up its users: /register answered 404 not_found.
 * }
 * ```
 */
export class SetUpFailed extends Error {
  override readonly name = 'SetUpFailed'
}

/** Registers as many users as needed and signs in once for each of `modes`, in their order. */
export async function signInAll(
  context: RaceContext,
  modes: readonly ('cookie' | 'body')[]
): Promise<readonly SignedIn[]> {
  const signedIn: SignedIn[] = []
  const accounts = Array.from({ length: Math.ceil(modes.length / sessionsPerAccount) }, newAccount)
  await inGroups(accounts, async (account) => {
    await signIn(context, '/register', account, 'body')
  })
  await inGroups([...modes.entries()], async ([i, mode]) => {
    const account = accounts[Math.floor(i / sessionsPerAccount)] ?? newAccount()
    const holder = new TokenHolder(mode)
    const { sid, response } = await signIn(context, '/login', account, mode)
    holder.store(response)
    signedIn[i] = { account, holder, sid }
  })
  return signedIn
}

/** A request with the access token of a new login, which adds a session to the account. */
export async function authorize(context: RaceContext, account: Account): Promise<AuthorizedRequest> {
  const { response } = await signIn(context, '/login', account, 'body')
  const headers = { authorization: `Bearer ${textMember(response.body, 'access_token') ?? ''}` }
  return (method, path) => ({ sender: 'honest', purpose: 'access', instance: 0, method, path, headers })
}

type AuthorizedRequest = (method: string, path: string) => RaceRequest

/** The ids of the user's live sessions, from the service; undefined if the service does not answer. */
export async function liveSessions(
  context: RaceContext,
  authorized: AuthorizedRequest
): Promise<ReadonlySet<string> | undefined> {
  const response = await sendUntilServed(context, authorized('GET', '/sessions'))
  const sessions = response?.status === 200 ? listMember(response.body, 'sessions') : undefined
  return sessions && new Set(sessions.flatMap((session) => textMember(session, 'id') ?? []))
}

/** Ends the sessions that raced: while one lives, the service does not show at once when it was refreshed late. */
export async function endOtherSessions(context: RaceContext, authorized: AuthorizedRequest): Promise<void> {
  await sendUntilServed(context, authorized('DELETE', '/sessions'))
}

/** The session of each of the user's events `refresh_recovered`; undefined if the service does not answer. */
export async function recoveredSessions(
  context: RaceContext,
  authorized: AuthorizedRequest
): Promise<readonly string[] | undefined> {
  const found: string[] = []
  let cursor: string | undefined = ''
  while (cursor !== undefined) {
    const path: string = `/me/events?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
    const response: HttpResponse | undefined = await sendUntilServed(context, authorized('GET', path))
    const events = response?.status === 200 ? listMember(response.body, 'events') : undefined
    if (events === undefined) return undefined
    const recoveries = events.filter((event) => textMember(event, 'type') === 'refresh_recovered')
    found.push(...recoveries.flatMap((event) => textMember(event, 'session_id') ?? []))
    cursor = textMember(response?.body, 'next_cursor')
  }
  return found
}

/** Deletes the user and all sessions that are left. */
export async function removeAccount(context: RaceContext, authorized: AuthorizedRequest): Promise<void> {
  await sendUntilServed(context, { ...authorized('DELETE', '/me'), content: { password } })
}

async function signIn(
  context: RaceContext,
  path: '/register' | '/login',
  account: Account,
  mode: 'cookie' | 'body'
): Promise<{ readonly sid: string; readonly response: HttpResponse }> {
  const content = { email: account.email, password, mode, device: 'race' }
  const request = { sender: 'honest', purpose: 'access', instance: 0, method: 'POST', headers: {} } as const
  const response = await sendUntilServed(context, { ...request, path, content }, (seen, response) => {
    // The client may have given up before this response.
    const started = textMember(response?.body, 'session_id')
    if (started !== undefined) account.sids.add(started)
    if (seen.status === 0) account.isUnclear = true
  })
  const sid = textMember(response?.body, 'session_id')
  if (response === undefined || response.status >= 300 || sid === undefined) throw setUpFailed(path, response)
  account.sids.add(sid)
  return { sid, response }
}

function setUpFailed(path: string, response: HttpResponse | undefined): SetUpFailed {
  const answer =
    response === undefined
      ? 'did not answer'
      : `answered ${response.status} ${textMember(response.body, 'code') ?? ''}`.trim()
  return new SetUpFailed(`The race could not set up its users: ${path} ${answer}.`)
}

function newAccount(): Account {
  return { email: `race-${randomUUID()}@example.test`, sids: new Set(), isUnclear: false }
}

async function inGroups<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  const work = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item)
  }
  await Promise.all(Array.from({ length: concurrentSignIns }, work))
}
