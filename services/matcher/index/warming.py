"""Having all compiled code of an engine and of a start at hand, before anybody waits for it.

What is computed does not live here.
"""

from services.matcher.domain.facts import PostingFacts, SeekerFacts
from services.matcher.domain.fast import warming
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.domain.fast.known import KnownPosting
from services.matcher.domain.model import Model
from services.matcher.index.building import known_stored, live_stored
from services.matcher.store.copying import rows_sent


def warm_up(model: Model) -> None:
    """Go through the life of a small market, and a start from a store that holds it.

    A minute and a half where all must be compiled.
    """
    warming.warm_up(model)
    postings, seekers = warming.small_market(model)
    engine = FastEngine(model)
    engine.take_postings(
        KnownPosting(each.doc.posting_id, PostingFacts.of(each), each.terms) for each in postings
    )
    stored = (
        (each.doc.seeker_id.bytes, each.terms.to_bytes(), SeekerFacts.of(each).to_bytes())
        for each in seekers
    )
    engine.take_known(known_stored(rows_sent(stored)))
    engine.lay_out()
    pairs = [
        (seeker.doc.seeker_id, posting.doc.posting_id)
        for seeker, posting in zip(seekers, postings, strict=True)
    ]
    live = ((*(each.bytes for each in pair), bytes(4), b"\1", b"\1") for pair in pairs)
    engine.restore(live_stored(rows_sent(live)))
    engine.standing(pairs)
