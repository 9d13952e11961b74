from django.urls import path

from recognition import (
    api,
    collect_views,
    detector_views,
    people_views,
    registry_api,
    registry_views,
    suggestion_views,
    suspicion_views,
    threshold_choice,
    views,
)

urlpatterns = [
    path("p/<slug:slug>/propose/", views.propose_again, name="propose-again"),
    path("p/<slug:slug>/review/suspicions/", suspicion_views.suspicions, name="review-suspicions"),
    path("p/<slug:slug>/review/suggestions/", suggestion_views.suggestions, name="review-suggestions"),
    path("p/<slug:slug>/review/detector/", detector_views.detector, name="review-detector"),
    path("p/<slug:slug>/look-alikes/", people_views.look_alike_list, name="look-alikes"),
    path("p/<slug:slug>/identities/<int:identity_id>/forecast/", people_views.forecast, name="forecast"),
    path("p/<slug:slug>/collect/", collect_views.collect, name="collect"),
    path("p/<slug:slug>/runs/", views.run_list, name="runs"),
    path("p/<slug:slug>/runs/<int:run_id>/", views.run_page, name="run"),
    path("p/<slug:slug>/versions/<int:number>/train/", views.train, name="version-train"),
    path("p/<slug:slug>/versions/<int:number>/evaluate/", views.evaluate, name="version-evaluate"),
    path("p/<slug:slug>/runs/<int:run_id>/threshold/", threshold_choice.run_threshold, name="run-threshold"),
    path("p/<slug:slug>/models/", registry_views.model_list, name="models"),
    path("p/<slug:slug>/models/history/", registry_views.promotions, name="promotions"),
    path("p/<slug:slug>/models/rollback/", registry_views.model_rollback, name="model-rollback"),
    path("p/<slug:slug>/models/<int:model_id>/", registry_views.model_page, name="model"),
    path("p/<slug:slug>/models/<int:model_id>/promote/", registry_views.model_promote, name="model-promote"),
    path("p/<slug:slug>/models/<int:model_id>/compare/", registry_views.model_compare, name="model-compare"),
]
api_urlpatterns = [
    path("suspicions/<int:suspicion_id>/", suspicion_views.SuspicionDetail.as_view(), name="api-suspicion"),
    path("projects/<slug:slug>/propose/", api.ProposeAgain.as_view(), name="api-propose"),
    path("projects/<slug:slug>/collect/", collect_views.CollectNext.as_view(), name="api-collect"),
    path("projects/<slug:slug>/runs/", api.RunList.as_view(), name="api-runs"),
    path("runs/<int:run_id>/", api.RunDetail.as_view(), name="api-run"),
    path("runs/<int:run_id>/identities/", api.RunIdentities.as_view(), name="api-run-identities"),
    path("runs/<int:run_id>/threshold/", threshold_choice.RunThreshold.as_view(), name="api-run-threshold"),
    path("projects/<slug:slug>/models/", registry_api.ModelList.as_view(), name="api-models"),
    path("projects/<slug:slug>/models/rollback/", registry_api.ModelRollback.as_view(), name="api-model-rollback"),
    path("models/<int:model_id>/", registry_api.ModelDetail.as_view(), name="api-model"),
    path("models/<int:model_id>/promote/", registry_api.ModelPromote.as_view(), name="api-model-promote"),
]
