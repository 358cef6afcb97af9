"""Sign-in with an identity provider, by OpenID Connect. django-allauth does the flow; `docs/adr/0019` says what not.

views        begin and callback
provider     the flow of allauth, with a nonce
id_tokens    what a token must be like to be believed
users        which user it is, with which roles
"""
