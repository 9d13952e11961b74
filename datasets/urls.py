from django.urls import path

from datasets import (
    api,
    client_wheel,
    diff_views,
    import_views,
    imports_api,
    pair_views,
    pairs_api,
    pull_api,
    tags_api,
    views,
)

urlpatterns = [
    path("p/<slug:slug>/imports/", import_views.import_list, name="imports"),
    path("p/<slug:slug>/imports/<int:import_id>/", import_views.import_page, name="import"),
    path("p/<slug:slug>/versions/", views.version_list, name="versions"),
    path("p/<slug:slug>/versions/preview/", views.freeze_preview, name="freeze-preview"),
    path("p/<slug:slug>/versions/<int:number>/", views.version_page, name="version"),
    path("p/<slug:slug>/versions/<int:number>/tag/", views.tag, name="version-tag"),
    path("p/<slug:slug>/versions/<int:number>/pairs/", pair_views.make, name="version-pairs"),
    path("p/<slug:slug>/versions/<int:number>/diff/", diff_views.choose, name="version-compare"),
    path("p/<slug:slug>/versions/<int:number>/diff/<int:against>/", diff_views.page, name="version-diff"),
    path("p/<slug:slug>/versions/<int:number>/export/", views.export, name="version-export"),
    path("client/<str:name>", client_wheel.download, name="client-wheel"),
]
api_urlpatterns = [
    path("projects/<slug:slug>/imports/", imports_api.ImportList.as_view(), name="api-imports"),
    path("imports/<int:import_id>/", imports_api.ImportDetail.as_view(), name="api-import"),
    path("imports/<int:import_id>/check/", imports_api.ImportCheck.as_view(), name="api-import-check"),
    path("imports/<int:import_id>/apply/", imports_api.ImportApply.as_view(), name="api-import-apply"),
    path("projects/<slug:slug>/tags/", tags_api.TagList.as_view(), name="api-tags"),
    path("projects/<slug:slug>/tags/moves/", tags_api.TagMoves.as_view(), name="api-tag-moves"),
    path("projects/<slug:slug>/versions/", api.VersionList.as_view(), name="api-versions"),
    path("projects/<slug:slug>/versions/<int:number>/", api.VersionDetail.as_view(), name="api-version"),
    path("projects/<slug:slug>/versions/<int:number>/diff/", api.VersionDiff.as_view(), name="api-version-diff"),
    path("projects/<slug:slug>/versions/<int:number>/exports/", api.ExportList.as_view(), name="api-exports"),
    path("projects/<slug:slug>/versions/<int:number>/pairs/", pairs_api.PairLists.as_view(), name="api-pair-lists"),
    path("projects/<slug:slug>/pulls/", pull_api.Pulls.as_view(), name="api-pulls"),
    path("projects/<slug:slug>/photos/<slug:sha256>/", pull_api.PulledPhoto.as_view(), name="api-pulled-photo"),
    path(
        "projects/<slug:slug>/versions/<int:number>/photos/",
        pull_api.PulledPhotos.as_view(),
        name="api-pulled-photos",
    ),
    path(
        "projects/<slug:slug>/versions/<int:number>/tables/<str:name>",
        pull_api.PulledTable.as_view(),
        name="api-pulled-table",
    ),
    path("pair-lists/<int:pair_list_id>/", pairs_api.PairsDetail.as_view(), name="api-pair-list"),
    path("pair-lists/<int:pair_list_id>/download/", pairs_api.PairsDownload.as_view(), name="api-pair-list-download"),
    path("exports/<int:export_id>/", api.ExportDetail.as_view(), name="api-export"),
    path("exports/<int:export_id>/download/", api.ExportDownload.as_view(), name="api-export-download"),
    path("exports/<int:export_id>/files/<int:place>/", api.ExportFile.as_view(), name="api-export-file"),
]
