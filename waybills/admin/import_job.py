"""Imports: upload a file, say what its columns mean, look at what would come of it, start, and watch."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from waybills.admin.import_preview import field_choices, masked_reasons, preview
from waybills.admin.import_progress import progress
from waybills.admin.person import person
from waybills.admin.read_only import ReadOnlyAdmin
from waybills.admin.reveal import may_reveal
from waybills.files import jobs
from waybills.files.columns import COLUMNS, MAPPING_FAULTS, check_mapping
from waybills.files.refusals import LARGEST_FILE, FileRefused, refusal_text
from waybills.files.templates import csv_template, field_row, template_header, xlsx_template
from waybills.models import ImportJob
from waybills.sealing import SealBroken

State = ImportJob.State
_COLOURS = {
    State.READING: "info",
    State.CHECKING: "info",
    State.PREVIEW: "warning",
    State.WAITING: "info",
    State.RUNNING: "info",
    State.DONE: "success",
    State.CANCELLED: "",
    State.FAILED: "danger",
}
_TEMPLATES = {
    "csv": (csv_template, "text/csv; charset=utf-8"),
    "xlsx": (xlsx_template, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}

_DELIMITERS = {"comma": _("comma"), "tab": _("tab"), "semicolon": _("semicolon")}


class UploadForm(forms.Form):
    """The file."""

    file = forms.FileField(label=_("File"), allow_empty_file=True)


@admin.register(ImportJob)
class ImportJobAdmin(ReadOnlyAdmin):
    """Whoever may take in waybills and events by REST may do so by a file."""

    list_display = ("name", "created_at", "created_by", "state_label", "rows", "bad_rows")
    list_select_related = ("created_by",)
    list_filter = ("state",)

    @display(description=_("state"), label=_COLOURS)
    def state_label(self, job: ImportJob) -> tuple[str, Any]:
        """Return the state, coloured."""
        return job.state, job.get_state_display()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the person may import."""
        return jobs.may_import(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may import."""
        return jobs.may_import(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may import."""
        return jobs.may_import(request.user)

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses, with those of the job's page."""
        wrap = self.admin_site.admin_view
        views = (
            ("progress", self.progress_view),
            ("mapping", require_POST(self.mapping_view)),
            ("cancel", require_POST(self.cancel_view)),
            ("report", require_POST(self.report_view)),
        )
        return [
            path("template.<str:kind>", wrap(self.template_view), name="waybills_importjob_template"),
            *(path(f"<uuid:job_id>/{name}/", wrap(view), name=f"waybills_importjob_{name}") for name, view in views),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show what a file may hold; take one."""
        self._check_permission(request)
        form = UploadForm()
        if request.method == "POST":
            form = UploadForm(request.POST, request.FILES)
            job = self._uploaded(request, form)
            if job is not None:
                return _to(job.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Import a file"),
            "form": form,
            "fields": [field_row(name, column) for name, column in zip(template_header(), COLUMNS, strict=True)],
        }
        return TemplateResponse(request, "admin/waybills/importjob/upload.html", context)

    def _uploaded(self, request: HttpRequest, form: UploadForm) -> ImportJob | None:
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_FILE:
            # Such a form's file was dropped as it came.
            form.fields["file"].error_messages["required"] = refusal_text("too_large", 0)
        if not form.is_valid():
            return None
        file = form.cleaned_data["file"]
        try:
            return jobs.upload(actor=person(request), name=file.name, file=file.file, size=file.size)
        except FileRefused as refused:
            form.add_error("file", refusal_text(refused.code, refused.line))
            return None

    def template_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Return an empty file to fill in."""
        self._check_permission(request)
        if kind not in _TEMPLATES:
            return HttpResponseRedirect(reverse("admin:waybills_importjob_add"))
        make, content_type = _TEMPLATES[kind]
        return HttpResponse(make(), content_type, headers=_attachment(f"waybills.{kind}"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show how far the import is, and what can be done."""
        self._check_permission(request)
        job = self.get_object(request, object_id)
        if job is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": job.name,
            "job": job,
            "progress": progress(job, timezone.now()),
            "shape": _shape(job),
            "failure": refusal_text(job.failure, job.failure_line) if job.failure else "",
            "has_report": jobs.has_report(job),
            "may_export": _may_see(request, job),
            **_contents(job),
        }
        return TemplateResponse(request, "admin/waybills/importjob/page.html", context)

    def progress_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """Return how far the import is, as JSON."""
        self._check_permission(request)
        return JsonResponse(progress(get_object_or_404(ImportJob, pk=job_id), timezone.now()))

    def mapping_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """Take what the columns mean; start where that is what the person saw the counts of."""
        self._check_permission(request)
        job = get_object_or_404(ImportJob, pk=job_id)
        plan = jobs.plan_of(job)
        mapping = tuple(request.POST.get(f"field-{index}", "") for index in range(len(plan.header)))
        if mapping != plan.mapping and not _may_see(request, job):
            # Which columns are masked, and how, follows from what they mean.
            raise PermissionDenied
        try:
            if mapping != plan.mapping:
                jobs.choose_mapping(job_id=job_id, mapping=mapping)
                messages.info(request, _("The columns mean something else now: the rows are checked anew."))
            elif "start" in request.POST:
                jobs.start(job_id=job_id, actor=person(request))
        except jobs.MappingRefused as refused:
            messages.error(request, MAPPING_FAULTS[refused.code])
        except jobs.ImportMovedOn:
            messages.warning(request, _("The import is further on already."))
        return _to(job_id)

    def cancel_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """Cancel the import."""
        self._check_permission(request)
        try:
            jobs.cancel(job_id=job_id, actor=person(request))
        except jobs.ImportMovedOn:
            messages.warning(request, _("The import has ended already."))
        return _to(job_id)

    def report_view(self, request: HttpRequest, job_id: UUID) -> HttpResponseBase:
        """Return the bad rows, to be corrected and uploaded again."""
        self._check_permission(request)
        job = get_object_or_404(ImportJob, pk=job_id)
        if not _may_see(request, job):
            raise PermissionDenied
        try:
            lines = jobs.export_bad_rows(job=job, actor=person(request))
        except jobs.ImportMovedOn:
            messages.warning(request, _("The report is no longer kept."))
            return _to(job_id)
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=_attachment("bad-rows.csv"))

    def _check_permission(self, request: HttpRequest) -> None:
        if not jobs.may_import(request.user):
            raise PermissionDenied


def _contents(job: ImportJob) -> dict[str, Any]:
    """Return what stands in the file, masked."""
    try:
        plan = jobs.plan_of(job)
        fault = check_mapping(plan.mapping) if job.state == State.PREVIEW else ""
        columns = preview(plan.header, plan.mapping, jobs.first_rows(job))
        return {
            "columns": columns,
            "preview_rows": zip(*(column.cells for column in columns), strict=True),
            "bad": masked_reasons(jobs.first_bad_rows(job)),
            "mapping_fault": MAPPING_FAULTS[fault] if fault else "",
            "choices": field_choices(),
        }
    except SealBroken:
        return {"seal_broken": True}


def _shape(job: ImportJob) -> str:
    """Return how the file was read, for a person: `GB18030, tab`."""
    encoding, _space, delimiter = job.shape.partition(" ")
    return f"{encoding}, {_DELIMITERS[delimiter]}" if delimiter else encoding


def _may_see(request: HttpRequest, job: ImportJob) -> bool:
    """Return whether the person may have the rows as they are: who uploaded them has them already."""
    return job.created_by_id == request.user.pk or may_reveal(request)


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


def _to(job_id: UUID) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:waybills_importjob_change", args=[job_id]))
