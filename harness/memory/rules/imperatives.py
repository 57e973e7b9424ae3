"""Words that begin an order, and words that any rule may use without evidence for them."""

from __future__ import annotations

import re

from harness.memory.terms import key_terms

VERBS = frozenset(
    re.findall(
        r"\S+",
        """accept add adjust aggregate allow answer append apply ask assert assign assume attach
        avoid back base batch begin block break bring build cache calculate call cap capture
        carry change check choose cite clean clear close collect combine commit compare complete
        compute configure confirm connect consider consult contain continue convert copy correct
        count create cross-check cut decide declare decode default define delay delete deliver
        deny describe detect disable discard distinguish divide document double-check download
        drop edit email enable encode end ensure enter escape estimate exclude execute expect
        explain export expose extract fail fall fetch fill filter find finish fix flag follow
        force format forward generate get give go group guard handle hold identify ignore import
        include increase index inform inspect install invoke join keep label lead leave let
        limit link list load lock log look lower maintain make map mark match measure mention
        merge migrate mind move name never normalise normalize note notify omit open order
        overwrite parse pass paste pause pick pin place plan point post prefer prepare preserve
        prevent print process produce provide publish pull push put query quote raise read
        rebuild recall record reduce refer refresh refuse reject release reload rely remember
        remind remove rename repeat replace reply report request require rerun reserve reset
        resolve respect restart restore retry return reuse revert review rewrite rotate round
        run sanitise sanitize save say scan schedule search see select send separate serve set
        share shorten show sign skip sleep sort specify spell split start state stay stick stop
        store strip submit subtract suggest summarise summarize supply swap switch take tell
        test throttle tie track translate treat trim trust try turn type update upgrade upload
        use validate verify wait warn watch wrap write""",
    )
)

# what a rule is made of, whatever it is about; none of them says anything by itself
FREE = key_terms(
    """always never use using instead check call calling before after rather than only first then
    make sure ensure remember mind note keep working work with avoid when whenever while if once
    until unless without must should need do not don't doesn't isn't cannot can't each every both
    either other another again still because per via it's that's ones one name value way follow
    prefer exact exactly given same such correct wrong"""
)
