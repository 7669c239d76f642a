/** The cookies of one origin. Node's `fetch` keeps none. */
export class CookieJar {
  readonly cookies = new Map<string, string>()
  /** The paths of all requests, oldest first. */
  readonly requestedPaths: string[] = []
  /** Called for each response: whether it is lost. */
  losesNextResponse = () => false

  readonly fetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    this.requestedPaths.push(new URL(request.url).pathname)
    const withCookies = request.credentials !== 'omit' && this.cookies.size > 0
    if (withCookies) request.headers.set('cookie', [...this.cookies].map((pair) => pair.join('=')).join('; '))
    const response = await fetch(request)
    if (this.losesNextResponse()) throw new TypeError('The connection was lost')
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return response
  }

  /** The number of requests for `path` since the last call. */
  takeCount(path: string): number {
    return this.requestedPaths.splice(0).filter((asked) => asked === path).length
  }
}
