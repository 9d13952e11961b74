from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from labelling.access import project_for
from labelling.addresses import crop_url
from labelling.api.serializers import IdentityBrief, PairSerializer
from labelling.api.shapes import face_card
from labelling.clusters import Shown, counts, find_cluster, hand_out, newest_run, questions, shown, state_of
from labelling.constraints import link_faces
from labelling.models import ClusterFace, Identity, PairQuestion

MOST_CLUSTERS = 10
MOST_PAIRS = 20

WITHOUT = OpenApiParameter("not", str, description="Ids the client has already, with commas.")
LIMIT = OpenApiParameter("limit", int)


class ClusterList(APIView):
    @extend_schema(parameters=[WITHOUT, LIMIT], responses={200: dict})
    def get(self, request, slug: str):
        """The next clusters of faces that wait: biggest and most certain first, people who lack faces before others."""
        project = project_for(request.user, slug)
        run = newest_run(project)
        limit = _limit(request, usual=1, most=MOST_CLUSTERS)
        clusters = hand_out(run, request.user, without=_without(request), limit=limit) if run else []
        state, job = state_of(project, run)
        return Response(
            {
                "run": run and run.number,
                "state": state,
                "work": job and {"title": job.title, "done": job.done, "total": job.total},
                "ranked_at": run and run.ranked_at,
                **counts(run),
                "results": [_as_shown(view) for view in shown(project, clusters)],
            }
        )


class ClusterDetail(APIView):
    @extend_schema(responses={200: dict})
    def get(self, request, cluster_id: int):
        """One cluster with every face of it that waits; 404 when a newer clustering has replaced it."""
        cluster = find_cluster(request.user, cluster_id)
        if cluster is None:
            raise Http404
        (view,) = shown(cluster.run.project, [cluster], most=None)
        return Response(_as_shown(view))


class Pairs(APIView):
    @extend_schema(parameters=[WITHOUT, LIMIT], responses={200: dict})
    def get(self, request, slug: str):
        """“Same or different?”: the pairs whose answer settles the most faces."""
        project = project_for(request.user, slug)
        run = newest_run(project)
        limit = _limit(request, usual=5, most=MOST_PAIRS)
        asked = questions(run, without=_without(request), limit=limit) if run else []
        return Response({"results": [_as_question(question) for question in asked]})

    @extend_schema(request=PairSerializer, responses={200: dict})
    def post(self, request, slug: str):
        """Say whether two faces are one person. Clusters and suggestions obey it from now on."""
        project = project_for(request.user, slug)
        shape = PairSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        event = link_faces(project, data["a"], data["b"], same=data["same"], by=request.user, event_id=data["event_id"])
        return Response({"event": event.pk})


def _without(request) -> list[int]:
    given = request.query_params.get("not", "").split(",")
    return [int(part) for part in given if part.strip().isdecimal() and len(part) < 18]


def _limit(request, *, usual: int, most: int) -> int:
    given = request.query_params.get("limit", "")
    return min(max(int(given), 1), most) if given.isdecimal() else usual


def _as_shown(view: Shown) -> dict:
    cluster = view.cluster
    return {
        "id": cluster.pk,
        "kind": cluster.kind,
        "rank": cluster.rank,
        "size": view.size,
        "identity": _person(view.identity),
        "probability": cluster.probability if view.identity else 0.0,
        "certainty": cluster.certainty,
        "reason": _reason(view),
        "target": None if view.have is None else {"have": view.have, "want": view.identity.target_count},
        "portraits": [crop_url(face) for face in view.portraits],
        "alternatives": [
            {
                "identity": _person(other.identity),
                "probability": other.probability,
                "crop": crop_url(other.nearest_face) if other.nearest_face else None,
            }
            for other in view.alternatives
        ],
        "faces": [_member(member) for member in view.faces],
        "neighbour": _neighbour(view),
    }


def _reason(view: Shown) -> str:
    if view.identity is None:
        return ""
    if view.similarity is None:
        return f"Its faces are most like those of {view.identity}."
    return f"Nearest confirmed face: similarity {view.similarity:.2f}."


def _neighbour(view: Shown) -> dict | None:
    if not view.neighbour_faces:
        return None
    return {
        "id": view.cluster.neighbour_id,
        "size": view.neighbour_size,
        "similarity": view.cluster.neighbour_similarity,
        "identity": _person(view.cluster.neighbour.identity),
        "faces": [_member(member) for member in view.neighbour_faces],
    }


def _member(member: ClusterFace) -> dict:
    return {**face_card(member.face), "likeness": member.likeness, "doubtful": member.doubtful}


def _person(identity: Identity | None) -> dict | None:
    return IdentityBrief(identity).data if identity else None


def _as_question(question: PairQuestion) -> dict:
    return {
        "id": question.pk,
        "similarity": question.similarity,
        "probability": question.probability,
        "decides": question.decides,
        "a": face_card(question.face),
        "b": face_card(question.other),
    }
