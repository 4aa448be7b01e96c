"""Addresses of the public door. `<token>` opens a draft and is never logged."""

from django.urls import path, register_converter

from openhotline.web.public import follow, pages, views


class Token:
    """43 URL-safe characters; see `drafts.new_token`."""

    regex = "[A-Za-z0-9_-]{43}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Token, "token")

urlpatterns = [
    path("", views.where, name="start"),
    path("report", views.where, name="where"),
    path("report/app", views.app, name="app"),
    path("report/<token:token>/where", views.again, name="again"),
    path("report/<token:token>/what", views.what, name="what"),
    path("report/<token:token>/hear", views.hear, name="hear"),
    path("report/<token:token>/mail", views.mail, name="mail"),
    path("report/<token:token>/send", views.send, name="send"),
    path("report/<token:token>/receipt", views.receipt, name="receipt"),
    path("report/<token:token>/seven-words.txt", views.words_file, name="words-file"),
    path("follow", follow.follow, name="follow"),
    path("privacy", pages.privacy, name="privacy"),
    path("accessibility", pages.accessibility, name="accessibility"),
    path("support", pages.support, name="support"),
    path("picture-of-me", pages.picture, name="picture"),
    path("police", pages.police, name="police"),
    path("livez", pages.livez, name="livez"),
    path("readyz", pages.readyz, name="readyz"),
]

handler404 = pages.not_found
handler400 = pages.bad_request
handler500 = pages.fault
