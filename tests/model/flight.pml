/* One process: single flight, the leader's second look-up, renders, publishes and an erase, as in
     include/render_cache/cache.hpp            get_as
     include/render_cache/read/rendering.hpp   answer, fly, render, publish, erase
     include/render_cache/read/flight.hpp      join, land, mark_erased, overtaken
   READERS read one key of a plain store, each once; an editor changes the source EDITS times; the key is erased ERASES times.
   A step is what happens under one lock, or one question to the store or the source.

   -DLIVE: the source is not frozen but read while it is rendered, and sampled before and after. It must not come back meanwhile
   to what it was sampled as: docs/composite-fingerprints.md says so, and -DCOMES_BACK lets it.

   Left out: errors, time limits, renders in the background, `refresh`, unsettled fingerprints. */
#include "source.pml"
#ifndef READERS
#define READERS 3
#endif
#ifndef ERASES
#define ERASES 0
#endif
#define ROUNDS 1 /* after so many a leader renders what it has frozen, whatever it is; 16 in the code */
#define NONE 255

/* What WITHOUT may name. */
#define SECOND_LOOKUP 1
#define LANDINGS_NOTED_FIRST 2
#define FINGERPRINT_OF_FLIGHT 3
#define COMPARING 4
#define FINGERPRINT_OF_WHAT_IS_RENDERED 5
#define SAMPLING_AGAIN 6
#define MARK_OF_ERASED 7
#define NO_JOINING_ERASED 8
#define TURN 9
#define ORDER_OF_CALLS 10
#define MARKING_AGAIN 11

typedef Entry {
  bool is;
  byte fingerprint;
  byte moment; /* of the source, of which it was rendered */
  byte erases  /* that had begun when its flight was called for */
}
typedef Flight {
  bool in_air;
  byte fingerprint;
  byte number;
  bool erased;
  bool rendering /* what its fingerprint says */
}
inline copy(from, to) {
  to.is = from.is;
  to.fingerprint = from.fingerprint;
  to.moment = from.moment;
  to.erases = from.erases
}
inline clear(entry) {
  entry.is = false;
  entry.fingerprint = 0;
  entry.moment = 0;
  entry.erases = 0
}

Entry row;             /* the store's */
Entry got[READERS];
Flight flight[READERS]; /* by its leader */
byte waits_for[READERS] = NONE;
bool landed[READERS];  /* a flight has, since this reader noted `landings()` */
byte calls, last_stored;
bool turn;             /* somebody changes the key */
byte readers_called, erases_begun, erases_done, renders;
bool erasing;          /* begun: an erase means renders that would else be too many */
bool whatever;         /* a leader did not wait any longer for the source to stand still: its render may be one too many */

inline sample() {
  landed[_pid] = false;
  now = state_of(edits)
}
inline look_up() {
  if
  :: row.is && row.fingerprint == now -> copy(row, got[_pid])
  :: else
  fi
}
inline join() {
  leader = NONE;
  for (at : 0 .. READERS - 1) {
    if
    :: flight[at].in_air && (!flight[at].erased || WITHOUT == NO_JOINING_ERASED) &&
       (flight[at].fingerprint == now || WITHOUT == FINGERPRINT_OF_FLIGHT) -> leader = at
    :: else
    fi
  }
  at = 0;
  waits_for[_pid] = leader;
  if
  :: leader == NONE ->
     calls++;
     flight[_pid].in_air = true;
     flight[_pid].fingerprint = now;
     flight[_pid].number = calls;
     mine.erases = erases_begun
  :: else
  fi
}
inline freeze() {
  mine.moment = edits;
  mine.fingerprint = state_of(edits);
#ifdef LIVE
  mine.fingerprint = now;
#endif
  if
  :: mine.fingerprint == now ->
     mine.is = true;
     flight[_pid].rendering = true;
     renders++;
     check(rendered_again, renders == 1 || EDITS + ERASES > 0);
     if
     :: !erasing && !whatever ->
        check(rendered_though_stored, !(row.is && row.fingerprint == now && state_of(row.moment) == now));
        for (at : 0 .. READERS - 1) {
          check(rendered_twice, at == _pid || !flight[at].rendering || flight[at].fingerprint != now)
        }
        at = 0
     :: else
     fi
  :: mine.fingerprint != now && round == ROUNDS ->
     mine.is = true;
     whatever = true
  :: else /* what it is now has a flight of its own, or is stored already */
  fi;
#if EDITS + ERASES > 0
  renders = 0 /* not counted */
#endif
}
inline land() {
  for (at : 0 .. READERS - 1) {
    landed[at] = true;
    if
    :: at == _pid || waits_for[at] == _pid -> copy(mine, got[at]); waits_for[at] = NONE
    :: else
    fi
  }
  clear(mine);
  flight[_pid].in_air = false;
  flight[_pid].fingerprint = 0;
  flight[_pid].number = 0;
  flight[_pid].erased = false;
  flight[_pid].rendering = false;
  for (at : 0 .. READERS - 1) {
    if
    :: flight[at].in_air -> break
    :: else
    fi
  }
  if
  :: at == READERS -> calls = 0; last_stored = 0 /* in_air_ has nothing of the key any more */
  :: else
  fi;
  at = 0
}

active [READERS] proctype Reader() {
  byte call, erased_before, now, round, leader, at;
  Entry mine;

  d_step { /* get_as. They are alike, so let the first be the first to call. */
    readers_called == _pid;
    readers_called++;
    call = edits;
    erased_before = erases_done;
    sample()
  }
again:
  atomic {
    look_up();
    if
    :: got[_pid].is -> goto answered
    :: else
    fi
  }
  atomic {
    d_step { join() }
    if
    :: WITHOUT == LANDINGS_NOTED_FIRST -> landed[_pid] = false
    :: else
    fi;
    if
    :: leader != NONE -> goto wait
    :: else
    fi
  }
  if
  :: landed[_pid] && WITHOUT != SECOND_LOOKUP ->
     atomic {
       look_up();
       if
       :: got[_pid].is -> copy(got[_pid], mine); goto landing
       :: else
       fi
     }
  :: else
  fi;
  atomic {
    d_step { freeze() }
    if
    :: !mine.is -> goto landing
    :: else
    fi
  }
#ifdef LIVE
  mine.moment = edits;
#endif
  if
  :: WITHOUT == FINGERPRINT_OF_WHAT_IS_RENDERED -> mine.fingerprint = state_of(edits)
  :: state_of(edits) != mine.fingerprint && WITHOUT != SAMPLING_AGAIN -> goto landing
  :: else
  fi;
  atomic { !turn || WITHOUT == TURN; turn = true }
  if
  :: flight[_pid].erased && WITHOUT != MARK_OF_ERASED
  :: flight[_pid].number < last_stored && WITHOUT != ORDER_OF_CALLS
  :: else ->
     d_step {
       last_stored = flight[_pid].number;
#if STATES > EDITS /* else an entry of an earlier moment may be what the source is again */
       check(replaced_newer, !row.is || row.moment <= mine.moment);
#endif
       copy(mine, row)
     }
  fi;
  turn = false;
landing:
  atomic { land() }
wait:
  atomic {
    waits_for[_pid] == NONE;
    if
    :: got[_pid].is && (leader == NONE || got[_pid].fingerprint == now ||
                        WITHOUT == COMPARING || WITHOUT == FINGERPRINT_OF_FLIGHT) -> goto answered
    :: else /* nothing, or what was true during the leader's call and not necessarily during this one */
    fi;
    clear(got[_pid]);
    round = (round < ROUNDS -> round + 1 : ROUNDS);
    leader = 0;
    sample();
    goto again
  }
answered:
  atomic {
    check(wrong_read, was_current(got[_pid].moment, call));
    check(read_erased, got[_pid].erases >= erased_before);
    clear(got[_pid]);
    landed[_pid] = false;
    call = 0;
    erased_before = 0;
    now = 0;
    round = 0;
    leader = 0
  }
}

active proctype Editor() {
  byte at;
  do
  :: edits < EDITS ->
     d_step {
#if defined(LIVE) && !defined(COMES_BACK)
       do
       :: at < READERS && !(flight[at].in_air && flight[at].fingerprint == state_of(edits + 1)) -> at++
       :: else -> break
       od;
       edits = (at == READERS -> edits + 1 : edits);
       at = 0
#else
       edits++
#endif
     }
  :: edits == EDITS -> break
  od
}

#if ERASES > 0
inline mark_erased() {
  for (at : 0 .. READERS - 1) {
    flight[at].erased = flight[at].in_air
  }
  at = 0
}
active proctype Eraser() {
  byte at;
  do
  :: erases_done < ERASES ->
     atomic { !turn || WITHOUT == TURN; turn = true }
     d_step { mark_erased(); erasing = true }
     d_step { clear(row) }
     d_step { /* those too whose second look-up has found what was there still */
       erases_begun++;
       if
       :: WITHOUT != MARKING_AGAIN -> mark_erased()
       :: else
       fi
     }
     turn = false;
     erases_done++
  :: erases_done == ERASES -> break
  od
}
#endif
