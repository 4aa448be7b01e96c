"""Addresses of the portal: police, hosts, partner hotlines, and the API for partners' programs.

`/n/<token>` and `/verify` know no account; `/api/v1/` asks for a token; everything else asks for a signed-in
person. A person of another role, and a person of another organisation, find nothing there (404).
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path, register_converter

from openhotline.web import health, signing
from openhotline.web.portal import (
    abroad,
    agreement,
    appeals,
    files,
    filter_list,
    hosts,
    liaison,
    partners,
    police,
    programs,
    start,
    verify,
)


class LinkToken:
    """43 URL-safe characters; see `records/vault.token`."""

    regex = "[A-Za-z0-9_-]{43}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(LinkToken, "link")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: the same page for "there is none" and "it is not yours"."""
    return render(request, "portal/not_found.html", status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, in words."""
    return render(request, "portal/fault.html", {"which": "bad"}, status=400)


def fault(request: HttpRequest) -> HttpResponse:
    """500, in words."""
    return render(request, "portal/fault.html", {"which": "fault"}, status=500)


handler400 = bad_request
handler404 = not_found
handler500 = fault

urlpatterns = [
    path("", start.start, name="start"),
    # police
    path("lists", police.lists, name="lists"),
    path("questions/<str:number>", police.one, name="question"),
    path("questions/<str:number>/answer", police.answer, name="answer"),
    path("questions/<str:number>/answers/<int:pk>/undo", police.undo, name="undo-answer"),
    path("keys", police.single_keys, name="single-keys"),
    path("requests", liaison.asked, name="police-requests"),
    path("requests/new", liaison.ask, name="police-ask"),
    path("requests/<str:number>", liaison.one, name="police-request"),
    path("requests/<str:number>/outcome", liaison.settle, name="police-request-outcome"),
    path("digests", liaison.keys_and_digests, name="digests"),
    path("digests/hand-in", liaison.hand_in, name="digests-hand-in"),
    path("agreement", agreement.agreement, name="agreement"),
    path("agreement/versions/<int:pk>", agreement.reply, name="agreement-reply"),
    path("holds", police.holds, name="holds"),
    path("packages", abroad.packages, name="packages"),
    path("packages/<str:number>", abroad.one, name="package"),
    path("packages/<str:number>/acknowledge", abroad.acknowledge, name="package-acknowledge"),
    path("packages/<str:number>/<str:form>", abroad.take_away, name="package-form"),
    path("alarms", police.alarms, name="alarms"),
    path("alarms/<int:pk>/acknowledge", police.acknowledge, name="acknowledge"),
    # hosts with an account
    path("notices/<str:number>", hosts.account_notice, name="account-notice"),
    path("notices/<str:number>/xarf.json", hosts.account_xarf, name="account-notice-xarf"),
    path("notices/<str:number>/notice.txt", hosts.account_text, name="account-notice-text"),
    # partner hotlines
    path("file", files.send, name="file"),
    path("file/template.csv", files.template, name="file-template"),
    path("file/send", files.take, name="file-take"),
    path("referrals/<str:number>", partners.one, name="referral"),
    path("referrals/<str:number>/actions", partners.act, name="referral-act"),
    # a notice by its signed link
    path("n/<link:token>", hosts.notice, name="notice"),
    path("n/<link:token>/receipt", hosts.receipt, name="notice-receipt"),
    path("n/<link:token>/xarf.json", hosts.xarf, name="notice-xarf"),
    path("n/<link:token>/notice.txt", hosts.text, name="notice-text"),
    path("verify", verify.verify, name="verify"),
    path("open", verify.open_, name="open"),
    path("appeal", appeals.appeal, name="appeal"),
    path("programs/<uuid:key>/notices", programs.notices, name="program-notices"),
    path("programs/<uuid:key>/answers", programs.answers, name="program-answers"),
    path("filter-list", filter_list.download, name="filter-list-copy"),
    path("filter-list/withdrawn", filter_list.withdrawn, name="filter-list-withdrawn"),
    # programs
    path("api/v1/", include("openhotline.api.v1.urls")),
    # supervisors
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    *signing.urlpatterns,
]
