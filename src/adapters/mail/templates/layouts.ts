/** The frames around the content of each mail, in HTML and in text. They can have the `layoutPlaceholders`. */
export interface Layouts {
  readonly html: string
  readonly text: string
}

export const layoutPlaceholders = [
  'content',
  'subject',
  'preview',
  'footer',
  'site',
  'account_url',
  'locale',
  'direction'
] as const

/** Some mail programs drop `<style>`, so light colours are attributes of elements. Only dark ones are in `<style>`. */
export const defaultLayouts: Layouts = {
  text: '{content}\n\n-- \n{footer}\n',
  html: `<!doctype html>
<html lang="{locale}" dir="{direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
<title>{subject}</title>
<style>
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background: #121516 !important; }
  .card { background: #1a1e20 !important; border-color: #2c3236 !important; color: #e8eaeb !important; }
  .muted { color: #a2abb2 !important; }
  .button { background: #71cdb8 !important; }
  a { color: #71cdb8 !important; }
  .button a { color: #0b2620 !important; }
}
</style>
</head>
<body class="page" style="margin: 0; padding: 0; background: #f5f6f4">
<div style="display: none; max-height: 0; overflow: hidden; mso-hide: all">{preview}</div>
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0" style="background: #f5f6f4">
<tr>
<td style="padding: 24px 12px">
<!--[if mso]><table role="presentation" width="560" align="center"><tr><td><![endif]-->
<table role="presentation" width="100%" align="center" cellpadding="0" cellspacing="0" border="0" style="max-width: 560px; margin: 0 auto">
<tr>
<td class="card" style="padding: 28px 24px 12px; background: #ffffff; border: 1px solid #dfe2de; border-radius: 8px; color: #1c2024; font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif">
<h1 style="margin: 0 0 16px; font-size: 21px; line-height: 1.3">{subject}</h1>
{content}
</td>
</tr>
<tr>
<td class="muted" style="padding: 16px 24px; color: #59616a; font: 13px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif">
{footer}
</td>
</tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
</td>
</tr>
</table>
</body>
</html>
`
}
