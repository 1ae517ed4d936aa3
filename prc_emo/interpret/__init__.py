"""Knowledge is made: a larger language model is asked what utterances show and hide, and what speakers are like."""
