from django.db import migrations

# One table for all embedders; each gets an index of its own dimension.
DIMENSIONS = {"dlib": 128, "facenet": 512}


def forward(embedder: str, dimension: int) -> str:
    return f"""
    CREATE INDEX embedding_nearest_{embedder} ON recognition_embedding
    USING hnsw ((vector::halfvec({dimension})) halfvec_ip_ops) WHERE embedder = '{embedder}';
    """


def backward(embedder: str) -> str:
    return f"DROP INDEX embedding_nearest_{embedder};"


class Migration(migrations.Migration):
    dependencies = [("recognition", "0001_initial")]
    operations = [
        migrations.RunSQL(forward(embedder, dimension), backward(embedder))
        for embedder, dimension in DIMENSIONS.items()
    ]
