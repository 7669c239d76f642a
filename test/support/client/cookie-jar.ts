/** What a browser does with cookies, as far as one origin needs it: Node's fetch keeps none. */
export class Jar {
  readonly cookies = new Map<string, string>()
  /** The paths that were asked for, oldest first. */
  readonly asked: string[] = []
  /** Whether the next response is lost on its way. */
  loses = () => false

  readonly fetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    this.asked.push(new URL(request.url).pathname)
    const withCookies = request.credentials !== 'omit' && this.cookies.size > 0
    if (withCookies) request.headers.set('cookie', [...this.cookies].map((pair) => pair.join('=')).join('; '))
    const response = await fetch(request)
    if (this.loses()) throw new TypeError('The connection was lost')
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return response
  }

  /** How often `path` was asked for since this was last asked. */
  count(path: string): number {
    return this.asked.splice(0).filter((asked) => asked === path).length
  }
}
