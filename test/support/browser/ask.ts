import type { Page } from 'playwright-core'
import { newEmail } from '../http/people.js'
import { goodPassword } from '../service.js'

interface Answer {
  readonly status: number
  readonly body: {
    readonly session_id?: string
    readonly access_token?: string
    readonly email?: string
    readonly code?: string
    readonly reason?: string
  }
}

/** Sends a request from within the page, with its cookies. */
export function ask(page: Page, method: string, url: string, body?: object, token?: string): Promise<Answer> {
  return page.evaluate(
    async ({ method, url, body, token }) => {
      const headers = {
        ...(body && { 'content-type': 'application/json' }),
        ...(token && { authorization: `Bearer ${token}` })
      }
      const response = await fetch(url, {
        method,
        headers,
        credentials: 'include',
        ...(body && { body: JSON.stringify(body) })
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
    },
    { method, url, body, token }
  )
}

/** Registers a new user in the page, or signs one in by `path: '/login'`, and returns the session's id. */
export async function signInAt(
  page: Page,
  origin: string,
  { email = newEmail(), path = '/register', mode = 'cookie' } = {}
): Promise<string> {
  const { status, body } = await ask(page, 'POST', origin + path, { email, password: goodPassword, mode })
  if (body.session_id === undefined) throw new Error(`${path} answered ${status}.`)
  return body.session_id
}
