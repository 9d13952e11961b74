from django.urls import path

from labelling.api import clusters, faces, history, identities, images, look, people, projects, queue, review
from labelling.views import history as histories
from labelling.views import identities as identity_pages
from labelling.views import images as image_pages
from labelling.views import jobs as job_pages
from labelling.views import label, media, members, sort, tokens
from labelling.views import projects as project_pages
from labelling.views import review as review_pages

urlpatterns = [
    path("", project_pages.project_list, name="projects"),
    path("projects/new/", project_pages.new_project, name="project-new"),
    path("p/<slug:slug>/", project_pages.overview, name="project"),
    path("p/<slug:slug>/settings/", project_pages.edit_settings, name="project-settings"),
    path("p/<slug:slug>/ingest/", image_pages.ingest_page, name="ingest"),
    path("p/<slug:slug>/images/", image_pages.image_list, name="images"),
    path("p/<slug:slug>/label/", label.label_page, name="label"),
    path("p/<slug:slug>/sort/", sort.sort_page, name="sort"),
    path("p/<slug:slug>/identities/", identity_pages.identity_list, name="identities"),
    path("p/<slug:slug>/identities/<int:identity_id>/", identity_pages.identity_page, name="identity"),
    path("p/<slug:slug>/identities/<int:identity_id>/history/", histories.identity_history, name="identity-history"),
    path("p/<slug:slug>/images/<int:image_id>/history/", histories.image_history, name="image-history"),
    path("p/<slug:slug>/history/", histories.project_history, name="history"),
    path("p/<slug:slug>/review/", review_pages.review_page, name="review"),
    path("p/<slug:slug>/review/disputes/", review_pages.disputes_page, name="review-disputes"),
    path("p/<slug:slug>/review/flags/", review_pages.flags_page, name="review-flags"),
    path("p/<slug:slug>/review/gold/", review_pages.gold_page, name="review-gold"),
    path("p/<slug:slug>/review/agreement/", review_pages.agreement_page, name="review-agreement"),
    path("p/<slug:slug>/jobs/", job_pages.job_list, name="jobs"),
    path("p/<slug:slug>/members/", members.member_list, name="members"),
    path("p/<slug:slug>/members/<int:user_id>/remove/", members.remove, name="member-remove"),
    path("tokens/", tokens.token_list, name="tokens"),
    path("tokens/<int:token_id>/revoke/", tokens.revoke, name="token-revoke"),
    path("media/images/<int:image_id>/<str:size>-<str:key>.jpg", media.picture, name="picture"),
    path("media/faces/<int:face_id>/<str:key>.jpg", media.crop, name="crop"),
]
api_urlpatterns = [
    path("projects/", projects.ProjectList.as_view(), name="api-projects"),
    path("projects/<slug:slug>/", projects.ProjectDetail.as_view(), name="api-project"),
    path("projects/<slug:slug>/images/", images.ImageList.as_view(), name="api-images"),
    path("images/<int:image_id>/", images.ImageDetail.as_view(), name="api-image"),
    path("images/<int:image_id>/submit/", images.ImageSubmit.as_view(), name="api-submit"),
    path("images/<int:image_id>/look/", look.ImageLook.as_view(), name="api-look"),
    path("images/<int:image_id>/flag/", review.ImageFlag.as_view(), name="api-flag"),
    path("images/<int:image_id>/approve/", review.ImageAccept.as_view(), name="api-approve"),
    path("images/<int:image_id>/return/", review.ImageReturn.as_view(), name="api-return"),
    path("images/<int:image_id>/judge/", review.ImageJudge.as_view(), name="api-judge"),
    path("images/<int:image_id>/gold/", review.ImageGold.as_view(), name="api-gold"),
    path("projects/<slug:slug>/review/", review.ReviewList.as_view(), name="api-review"),
    path("projects/<slug:slug>/disputes/", review.DisputeList.as_view(), name="api-disputes"),
    path("remarks/<int:remark_id>/resolve/", review.RemarkResolve.as_view(), name="api-resolve"),
    path("projects/<slug:slug>/queue/next/", queue.QueueNext.as_view(), name="api-queue-next"),
    path("projects/<slug:slug>/queue/open/", queue.QueueOpen.as_view(), name="api-queue-open"),
    path("projects/<slug:slug>/queue/skip/", queue.QueueSkip.as_view(), name="api-queue-skip"),
    path("projects/<slug:slug>/queue/free/", queue.QueueFree.as_view(), name="api-queue-free"),
    path("leases/<uuid:token>/renew/", queue.LeaseRenew.as_view(), name="api-lease-renew"),
    path("leases/<uuid:token>/release/", queue.LeaseRelease.as_view(), name="api-lease-release"),
    path("faces/<int:face_id>/", faces.FaceDetail.as_view(), name="api-face"),
    path("projects/<slug:slug>/faces/assign/", faces.FacesAssign.as_view(), name="api-assign"),
    path("projects/<slug:slug>/faces/decide/", faces.FacesDecide.as_view(), name="api-decide"),
    path("projects/<slug:slug>/clusters/", clusters.ClusterList.as_view(), name="api-clusters"),
    path("clusters/<int:cluster_id>/", clusters.ClusterDetail.as_view(), name="api-cluster"),
    path("projects/<slug:slug>/pairs/", clusters.Pairs.as_view(), name="api-pairs"),
    path("projects/<slug:slug>/identities/", identities.IdentityList.as_view(), name="api-identities"),
    path("identities/<int:identity_id>/", people.IdentityDetail.as_view(), name="api-identity"),
    path("images/<int:image_id>/history/", history.ImageHistory.as_view(), name="api-image-history"),
    path("identities/<int:identity_id>/history/", history.IdentityHistory.as_view(), name="api-identity-history"),
    path("identities/<int:identity_id>/merge/", people.IdentityMerge.as_view(), name="api-identity-merge"),
    path("identities/<int:identity_id>/split/", people.IdentitySplit.as_view(), name="api-identity-split"),
    path("events/<uuid:event_id>/undo/", faces.EventUndo.as_view(), name="api-undo"),
]
