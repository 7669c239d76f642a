import { createAuthClient } from 'latchkey-client'

/** An app of React Native: no types of browsers, none of Node. */
const auth = createAuthClient({ baseURL: 'https://auth.example.com', mode: 'body' })

export function watch(show: (text: string) => void): () => void {
  return auth.onChange(({ status, reason = 'nobody was signed in' }) => show(status === 'signed_out' ? reason : status))
}

export async function name(): Promise<unknown> {
  const response: Response = await auth.fetch('/me', { method: 'GET' })
  // @ts-expect-error this is no browser
  response.body
  return response.json()
}
