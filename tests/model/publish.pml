/* Two nodes on one shared store, each with a near tier: publishes that replace only what was seen, fills behind a fence, and an erase:
     include/render_cache/store/tiered.hpp      lookup, publish, replace, erase
     include/render_cache/store/near_tier.hpp   changes, fill
     include/render_cache/read/rendering.hpp    answer, erase
     include/render_cache/read/publishing.hpp   publish, replaceable
     include/render_cache/read/owed.hpp         add, settle
     include/render_cache/sql/statements.hpp    what is one statement is one step
   READERS_HERE readers of node 0 and READERS_THERE of node 1 read one key, each once, and each flies alone: flight.pml has more of
   that. An editor changes the source EDITS times, and node 0 erases the key ERASES times.

   A row is known by the moment of its source. -DTEXTS_REPEAT: by its state alone, as if its text were all that is compared.
   -DOUTAGES: the far store may be away when a reader publishes. What it has rendered is then near and owed: it is sampled again and
   published later, and its flight stays marked by erases until then.
   -DERASES_EVERYWHERE wants of an erase what nodes that do not talk to each other cannot give: that no render which was in progress
   on the other node is stored.

   Left out: failures of the far store but for these, clean-up, a near tier that evicts, sources in the caller's hands. */
#include "source.pml"
#ifndef READERS_HERE
#define READERS_HERE 2
#endif
#ifndef READERS_THERE
#define READERS_THERE 1
#endif
#define READERS (READERS_HERE + READERS_THERE)
#ifndef ERASES
#define ERASES 0
#endif

/* What WITHOUT may name. */
#define COMPARE_AND_SET 1
#define SAMPLING_AGAIN 2
#define LOOKING_BEFORE_SAMPLING 3
#define VERIFYING_NEAR 4
#define FENCE 5
#define FAR_FIRST 6
#define MARK_OF_ERASED 7
#define TURN 8
#define SAMPLING_AFTER_OUR_OWN 9
#define MARK_OF_OWED 10

typedef Entry {
  bool is;
  byte moment; /* of the source, of which it was rendered */
  byte erases  /* of node 0, after which it was rendered or, on the other node, published */
}
inline copy(from, to) {
  to.is = from.is;
  to.moment = from.moment;
  to.erases = from.erases
}
inline clear(entry) {
  entry.is = false;
  entry.moment = 0;
  entry.erases = 0
}
typedef Node {
  Entry near;
  bool turn;
  byte calls, last_stored, last_state
}
typedef Flight {
  bool in_air;
  byte number;
  bool erased
}

Entry far;
Node node[2];
Flight flight[READERS];
bool changed[READERS]; /* the near tier has, since this reader noted how often */
byte readers_called[2], erases_begun, erases_done, far_erases;

#define NOTHING 0
#ifdef TEXTS_REPEAT
#define text_of(entry) (entry.is -> 1 + state_of(entry.moment) : NOTHING)
#else
#define text_of(entry) (entry.is -> 1 + entry.moment : NOTHING)
#endif
#define on_node_of(reader) (((reader) < READERS_HERE) == (_pid < READERS_HERE))

inline change_near(which) { /* NearTier::change */
  for (at : 0 .. READERS - 1) {
    changed[at] = changed[at] || ((at < READERS_HERE) == (which == 0))
  }
  at = 0
}
inline compare_and_set() {
  stored = false;
  if
  :: text_of(far) == seen || WITHOUT == COMPARE_AND_SET ->
     check(replaced_newer, !far.is || far.moment <= mine.moment);
     copy(mine, far);
#ifndef ERASES_EVERYWHERE
     far.erases = (here == 0 -> mine.erases : far_erases);
#endif
     stored = true
  :: else
  fi
}
inline land() {
  flight[_pid].in_air = false;
  flight[_pid].number = 0;
  flight[_pid].erased = false;
  for (at : 0 .. READERS - 1) {
    if
    :: on_node_of(at) && flight[at].in_air -> break
    :: else
    fi
  }
  if
  :: at == READERS -> node[here].calls = 0; node[here].last_stored = 0; node[here].last_state = 0
  :: else
  fi;
  at = 0
}

active [READERS] proctype Reader() {
  byte here, call, erased_before, now, seen, earlier, at;
  bool stored, once_more;
#ifdef OUTAGES
  bool owed;
#endif
  Entry mine;

  atomic { /* get_as. Those of a node are alike, so let the first be the first to call. */
    here = (_pid < READERS_HERE -> 0 : 1);
    readers_called[here] == _pid - here * READERS_HERE;
    readers_called[here]++;
    call = edits;
    erased_before = (here == 0 -> erases_done : 0);
    now = state_of(edits)
  }
again:
  atomic { /* TieredStore::lookup: near */
    if
    :: node[here].near.is && (state_of(node[here].near.moment) == now || WITHOUT == VERIFYING_NEAR) ->
       copy(node[here].near, mine);
       goto answered
    :: else
    fi;
    changed[_pid] = false
  }
  atomic { /* far */
    seen = text_of(far);
    if
    :: far.is && state_of(far.moment) == now -> copy(far, mine)
    :: else -> goto missed
    fi
  }
  atomic { /* NearTier::fill */
    if
    :: !changed[_pid] || WITHOUT == FENCE -> copy(mine, node[here].near)
    :: else
    fi;
    goto answered
  }

missed:
  atomic { /* Flights::join */
    changed[_pid] = false;
    node[here].calls++;
    flight[_pid].in_air = true;
    flight[_pid].number = node[here].calls;
    mine.erases = erases_begun
  }
  atomic { /* freeze */
    if
    :: state_of(edits) == now -> mine.is = true; mine.moment = edits
    :: else -> /* it has moved on: lands with nothing, and begins again */
       land();
       clear(mine);
       seen = 0;
       now = state_of(edits);
       goto again
    fi
  }
  if /* Sampler::movement */
  :: state_of(edits) == now -> mine.moment = edits /* it is what a render of now would be */
  :: state_of(edits) != now && WITHOUT != SAMPLING_AGAIN -> goto landing
  :: state_of(edits) != now && WITHOUT == SAMPLING_AGAIN
  fi;

publishing:
  atomic { /* the key's turn */
    !node[here].turn || WITHOUT == TURN;
    node[here].turn = true;
    if
    :: (flight[_pid].erased && WITHOUT != MARK_OF_ERASED) || flight[_pid].number < node[here].last_stored ->
       node[here].turn = false;
       goto landing
    :: else
    fi;
    earlier = (WITHOUT == SAMPLING_AFTER_OUR_OWN && node[here].last_stored != 0 -> 1 + node[here].last_state : 0);
    node[here].last_stored = flight[_pid].number;
    node[here].last_state = now
  }
#ifdef OUTAGES
  if
  :: !owed ->
     atomic { /* StoreUnavailable: the read is answered, and its entry owed */
       d_step { copy(mine, node[here].near); change_near(here) }
       node[here].turn = false;
       check(wrong_read, was_current(mine.moment, call));
       check(read_erased, mine.erases >= erased_before);
       flight[_pid].in_air = WITHOUT != MARK_OF_OWED;
       owed = true
     };
     if /* Owed::settle */
     :: state_of(edits) == now -> mine.moment = edits; goto publishing
     :: state_of(edits) != now -> goto landing
     fi
  :: true
  fi;
#endif
  d_step { compare_and_set() }
  atomic {
    d_step { copy(mine, node[here].near); change_near(here) }
    node[here].turn = false;
    if
    :: stored || once_more -> goto landing
    :: else
    fi;
    once_more = true
  }
  atomic { /* Publishing::replaceable: what is there now? */
    if
    :: !far.is && seen != NOTHING -> goto landing /* erased meanwhile */
    :: far.is && state_of(far.moment) == now && WITHOUT != LOOKING_BEFORE_SAMPLING -> goto landing /* what it wanted to store */
    :: else
    fi;
    seen = text_of(far);
    if /* that this node has stored it says nothing: what was called for earlier may have been frozen later */
    :: WITHOUT == SAMPLING_AFTER_OUR_OWN && far.is && earlier == 1 + state_of(far.moment) -> goto publishing
    :: else
    fi
  }
  if
  :: state_of(edits) == now -> mine.moment = edits
  :: state_of(edits) != now && WITHOUT != SAMPLING_AGAIN -> goto landing
  :: state_of(edits) != now && WITHOUT == SAMPLING_AGAIN
  fi;
  if
  :: WITHOUT == LOOKING_BEFORE_SAMPLING -> seen = text_of(far)
  :: else
  fi;
  goto publishing;

landing:
  atomic { land() }
answered:
  atomic {
#ifdef OUTAGES
    if
    :: owed -> owed = false
    :: else -> check(wrong_read, was_current(mine.moment, call)); check(read_erased, mine.erases >= erased_before)
    fi;
#else
    check(wrong_read, was_current(mine.moment, call));
    check(read_erased, mine.erases >= erased_before);
#endif
    clear(mine);
    changed[_pid] = false;
    call = 0;
    erased_before = 0;
    now = 0;
    seen = 0;
    earlier = 0;
    stored = false;
    once_more = false
  }
}

active proctype Editor() {
  do
  :: edits < EDITS -> edits++
  :: edits == EDITS -> break
  od
}

#if ERASES > 0
active proctype Eraser() { /* Rendering::erase, TieredStore::erase */
  byte at, step;
  do
  :: erases_done < ERASES ->
     atomic { !node[0].turn || WITHOUT == TURN; node[0].turn = true }
     for (step : 0 .. 1) {
       d_step {
         if
         :: step == (WITHOUT == FAR_FIRST) -> clear(far); far_erases++
         :: else -> clear(node[0].near); change_near(0)
         fi
       }
     }
     atomic {
       step = 0;
       erases_begun++;
       for (at : 0 .. READERS_HERE - 1) {
         flight[at].erased = flight[at].in_air
       }
       at = 0;
       node[0].turn = false
     }
     erases_done++
  :: erases_done == ERASES -> break
  od
}
#endif
