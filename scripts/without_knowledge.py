"""How well does a run read conversations that come with no knowledge, as in a chat? On the test split that ships.

python scripts/without_knowledge.py runs/quickstart
"""

import argparse
from pathlib import Path

from prc_emo import PRCEmo, load_corpus
from prc_emo.bench.metrics import score
from prc_emo.bench.predictions import judge
from prc_emo.bench.significance import bootstrap


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    run = parser.parse_args().run
    test = load_corpus("everyday").test
    judged = judge(test, PRCEmo.load(run).predict([talk.hidden() for talk in test]))
    print(f"{run}: wF1 {bootstrap([judged], seed=0)}, accuracy {score(judged).accuracy:.3f}")


if __name__ == "__main__":
    main()
