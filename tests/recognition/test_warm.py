def test_a_warm_worker_has_the_usual_models_at_hand():
    from recognition.embed import loaded_embedder
    from recognition.landmarks import MIN_FACE_PX
    from recognition.propose import loaded_detector
    from recognition.warm import warm_up

    warm_up()
    loaded = loaded_embedder.cache_info().misses, loaded_detector.cache_info().misses
    loaded_embedder("dlib")
    loaded_detector("mtcnn", MIN_FACE_PX)
    assert (loaded_embedder.cache_info().misses, loaded_detector.cache_info().misses) == loaded
