"""Sign-in with an identity provider, by OpenID Connect. See `docs/adr/0023-identity-provider.md`.

django-allauth does the flow:

views        begin and callback
provider     the flow of allauth, with a nonce
id_tokens    what a token must be like to be believed
users        which user it is, with which roles
"""
