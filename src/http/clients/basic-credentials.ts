/**
 * `id:secret` of an HTTP Basic credential in both readings: as sent, and form-decoded. RFC 6749 §2.3.1 tells clients to
 * form-encode both parts, and many clients do not. Empty for any other header.
 */
export function readBasic(authorization: string): readonly string[] {
  const encoded = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization)?.[1]
  if (encoded === undefined) return []
  const sent = Buffer.from(encoded, 'base64').toString('utf8')
  return [sent, new URLSearchParams(`v=${sent.replaceAll('&', '%26')}`).get('v') ?? '']
}

/** The parts of `id:secret`. */
export function partsOf(credential: string): readonly [id: string, secret: string] {
  const colon = credential.indexOf(':')
  return colon === -1 ? [credential, ''] : [credential.slice(0, colon), credential.slice(colon + 1)]
}
