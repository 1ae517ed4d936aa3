"""`python -m prc_emo`, and so `accelerate launch -m prc_emo run NAME`."""

from prc_emo.cli import main

main()
