"""Addresses of the desk. Signing in is named narrowly: no sign-up, no reset by mail."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from django.urls import path

from openhotline.web import health
from openhotline.web.desk import (
    alarms,
    appeals,
    assess,
    case,
    contacts,
    hosts,
    incomplete,
    legs,
    liaison,
    lists,
    mailbox,
    mine,
    missing,
    queue,
    search,
    settling,
    traced,
    units,
)

urlpatterns = [
    path("", queue.queue, name="queue"),
    path("counts", queue.counts, name="counts"),
    path("search", search.search, name="search"),
    # one case
    path("case/<str:ref>", case.show, name="case"),
    path("case/<str:ref>/assess", assess.pane_part, name="assess"),
    path("case/<str:ref>/take", assess.take, name="take"),
    path("case/<str:ref>/grade", assess.grade, name="grade"),
    path("case/<str:ref>/pass", assess.pass_on, name="pass"),
    path("case/<str:ref>/looks", case.looks_table, name="looks"),
    path("case/<str:ref>/way", case.way_in, name="way-in"),
    path("case/<str:ref>/trace", case.trace_again, name="trace-again"),
    path("case/<str:ref>/trace/<int:pk>", case.open_answers, name="trace-open"),
    path("case/<str:ref>/trace/<int:pk>/<str:form>", traced.take_away, name="trace-file"),
    path("case/<str:ref>/report/<int:report>", case.open_note, name="open-note"),
    path("case/<str:ref>/alarm", alarms.confirm, name="alarm-confirm"),
    path("case/<str:ref>/alarm/raise", alarms.raise_, name="alarm-raise"),
    # alarms
    path("alarms", alarms.listing, name="alarms"),
    path("alarms/<int:pk>", alarms.show, name="alarm"),
    path("alarms/<int:pk>/acknowledge", alarms.acknowledge, name="alarm-acknowledge"),
    # outward
    path("police", lists.police, name="police-list"),
    path("police/<str:number>", lists.consultation, name="consultation"),
    path("police/<str:number>/silence", settling.propose, name="silence-propose"),
    path("police/<str:number>/silence/confirm", settling.confirm, name="silence-confirm"),
    path("police/<str:number>/silence/withdraw", settling.withdraw, name="silence-withdraw"),
    path("units", units.listing, name="units"),
    path("units/new", units.new, name="unit-new"),
    path("units/rules", units.rules, name="unit-rules"),
    path("units/changes/<int:pk>/confirm", units.confirm, name="unit-confirm"),
    path("units/changes/<int:pk>/withdraw", units.withdraw, name="unit-withdraw"),
    path("units/<str:key>", units.one, name="unit"),
    path("agreements", liaison.agreements, name="agreements"),
    path("holds", liaison.holds, name="holds"),
    path("requests", liaison.police_requests, name="police-requests"),
    path("requests/note", liaison.send_note, name="police-note"),
    path("requests/<str:number>", liaison.police_request, name="police-request-page"),
    path("requests/<str:number>/outcome", liaison.settle, name="police-request-settle"),
    path("matches", liaison.matches, name="matches"),
    path("matches/<int:pk>/contacted", liaison.contacted, name="match-contacted"),
    path("notices", lists.notices, name="notices"),
    path("notices/<str:number>", lists.notice, name="notice-page"),
    path("notices/<str:number>/answer", lists.answer_host, name="answer-host"),
    path("mailbox", mailbox.listing, name="mailbox"),
    path("mailbox/<int:pk>", mailbox.show, name="mail"),
    path("mailbox/<int:pk>/settle", mailbox.settle, name="settle-mail"),
    path("mailbox/answers/<int:pk>", mailbox.confirm, name="confirm-answer"),
    path("mailbox/units/<int:unit>/key", mailbox.unit_key, name="unit-key"),
    path("appeals", appeals.listing, name="appeals"),
    path("appeals/<int:pk>", appeals.show, name="appeal-page"),
    path("appeals/<int:pk>/act", appeals.act, name="appeal-act"),
    path("referrals", lists.referrals, name="referrals"),
    path("referrals/<str:number>", lists.referral, name="referral"),
    path("referrals/<str:number>/again", settling.refer_again, name="referral-again"),
    path("outbox", lists.outbox, name="outbox"),
    path("outbox/<int:pk>", settling.doubt, name="doubt"),
    path("contacts", hosts.contacts_needed, name="contacts"),
    path("hosts", hosts.hosts, name="hosts"),
    path("hosts/scorecard", hosts.scorecard, name="scorecard"),
    path("hosts/<int:pk>/stands", contacts.stands, name="host-stands"),
    path("hosts/<int:pk>/breaches/<int:breach>", contacts.breach, name="settle-breach"),
    path("hosts/<int:pk>", hosts.host, name="host"),
    path("hosts/<int:pk>/contacts", contacts.propose, name="propose-contact"),
    path("hosts/<int:pk>/contacts/<int:contact>/verify", contacts.verify, name="verify-contact"),
    path("hosts/<int:pk>/contacts/<int:contact>/retire", contacts.retire, name="retire-contact"),
    path("hosts/<int:pk>/contacts/<int:contact>/key", contacts.key, name="contact-key"),
    path("hosts/<int:pk>/keys/<int:key>", contacts.settle_key, name="settle-key"),
    path("hosts/<int:pk>/letters", contacts.letters, name="host-letters"),
    path("hosts/<int:pk>/program", contacts.program, name="host-program"),
    path("hosts/<int:pk>/site", contacts.site, name="host-site"),
    path("hosts/<int:pk>/calls", contacts.call, name="host-call"),
    path("incomplete", incomplete.incomplete, name="incomplete"),
    path("incomplete/<int:pk>", incomplete.clarify, name="clarify"),
    # understand
    path("legs", legs.table, name="legs"),
    path("legs.csv", legs.download, name="legs-csv"),
    # one's own
    path("day", mine.day, name="day"),
    path("settings", mine.settings, name="settings"),
    path("settings/save", mine.save, name="save-settings"),
    path("keys", mine.keys, name="keys"),
    path("talk", mine.support, name="talk"),
    # signing in
    path("sign-in/", account.login, name="account_login"),
    path("sign-out/", account.logout, name="account_logout"),
    path("sign-in/closed/", account.account_inactive, name="account_inactive"),
    path("sign-in/again/", account.reauthenticate, name="account_reauthenticate"),
    path("second-factor/", mfa.index, name="mfa_index"),
    path("second-factor/code/", mfa.authenticate, name="mfa_authenticate"),
    path("second-factor/again/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("second-factor/totp/activate/", totp.activate_totp, name="mfa_activate_totp"),
    path("second-factor/totp/deactivate/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("second-factor/recovery-codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "second-factor/recovery-codes/generate/",
        codes.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        "second-factor/recovery-codes/download/",
        codes.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
    # machines
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
]

handler400 = missing.bad_request
handler403 = missing.forbidden
handler404 = missing.not_found
handler500 = missing.fault
