import { randomUUID } from 'node:crypto'
import { Holder, memberText } from './holder.js'
import type { Response } from './http-message.js'
import { ask, type Errand, type World } from './world.js'

const password = 'a throw-away passphrase for racing'
/** So that no user meets the limit of sessions. */
const sessionsOfAccount = 20
/** Passwords are hashed slowly on purpose: more at once would only queue. */
const signInsAtOnce = 4

/** A throw-away user, and the sessions that the run made for it. */
export interface Account {
  readonly email: string
  readonly sids: Set<string>
}

export interface SignedIn {
  readonly account: Account
  readonly holder: Holder
  readonly sid: string
}

/** The service did not let the run begin. */
export class SetUpFailed extends Error {
  override readonly name = 'SetUpFailed'
}

/** Registers as many users as it takes and signs in once for each of `modes`, in their order. */
export async function signInAll(world: World, modes: readonly ('cookie' | 'body')[]): Promise<readonly SignedIn[]> {
  const signedIn: SignedIn[] = []
  const accounts = Array.from({ length: Math.ceil(modes.length / sessionsOfAccount) }, newAccount)
  await inGroups(accounts, (account) => register(world, account))
  await inGroups([...modes.entries()], async ([i, mode]) => {
    const account = accounts[Math.floor(i / sessionsOfAccount)] ?? newAccount()
    const holder = new Holder(mode, randomUUID())
    const { sid, response } = await signIn(world, '/login', account, mode)
    holder.keep(response)
    signedIn[i] = { account, holder, sid }
  })
  return signedIn
}

/** An access token of a fresh login, which may do what needs one. The login counts among the account's sessions. */
export async function freshAccess(world: World, account: Account): Promise<string> {
  const { response } = await signIn(world, '/login', account, 'body')
  return memberText(response.body, 'access_token') ?? ''
}

/** The ids that the service lists as the user's live sessions. */
export async function liveSessions(world: World, account: Account): Promise<readonly string[] | undefined> {
  const response = await ask(world, await authorized(world, account, 'GET', '/sessions'))
  const body = response?.body
  if (response?.status !== 200 || typeof body !== 'object' || body === null || !('sessions' in body)) return undefined
  return Array.isArray(body.sessions) ? body.sessions.flatMap((session) => memberText(session, 'id') ?? []) : undefined
}

/** Deletes the user and whatever sessions are left. */
export async function removeAccount(world: World, account: Account): Promise<void> {
  await ask(world, { ...(await authorized(world, account, 'DELETE', '/me')), content: { password } })
}

/** A request on behalf of the account's owner, from a device of its own. */
export async function authorized(world: World, account: Account, method: string, path: string): Promise<Errand> {
  const headers = { authorization: `Bearer ${await freshAccess(world, account)}` }
  return { party: 'honest', asked: 'access', instance: 0, method, path, headers }
}

async function register(world: World, account: Account): Promise<void> {
  await signIn(world, '/register', account, 'body')
}

async function signIn(world: World, path: '/register' | '/login', account: Account, mode: 'cookie' | 'body') {
  const content = { email: account.email, password, mode, device: 'race' }
  const response = await ask(world, {
    party: 'honest',
    asked: 'access',
    instance: 0,
    method: 'POST',
    path,
    headers: {},
    content
  })
  const sid = memberText(response?.body, 'session_id')
  if (response === undefined || response.status >= 300 || sid === undefined) throw setUpFailed(path, response)
  account.sids.add(sid)
  return { sid, response }
}

function setUpFailed(path: string, response: Response | undefined): SetUpFailed {
  const answer = response === undefined ? 'no answer' : `${response.status} ${memberText(response.body, 'code') ?? ''}`
  return new SetUpFailed(`The run needs users of its own, and ${path} gave ${answer.trim()}.`)
}

function newAccount(): Account {
  return { email: `race-${randomUUID()}@example.test`, sids: new Set() }
}

async function inGroups<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  const work = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item)
  }
  await Promise.all(Array.from({ length: signInsAtOnce }, work))
}
