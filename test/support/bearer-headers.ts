const otherSchemes = (token: string) => [
  '',
  'Bearer',
  'Bearer ',
  token,
  `Bearer${token}`,
  `Bearer\t${token}`,
  ` Bearer ${token}`,
  `xBearer ${token}`,
  `Basic ${token}`,
  `DPoP ${token}`,
  `Token Bearer ${token}`
]

/** `Authorization` headers around a good token: which of them carry it (RFC 6750 §2.1) and which must be refused. */
export const bearerHeaders = {
  good: (token: string) => [`Bearer ${token}`, `bearer ${token}`, `BEARER ${token}`, `Bearer   ${token}`],
  otherSchemes,
  bad: (token: string) => [
    ...otherSchemes(token),
    `Bearer ${token} x`,
    `Bearer ${token} `,
    `Bearer ${token},`,
    `Bearer x ${token}`,
    `Bearer "${token}"`,
    `Bearer é${token}`,
    `Bearer ${token}=x`,
    `Bearer ${token}=`,
    `bearer ${token} x`
  ]
}
