/* NODES that share a store which keeps leases; each reads one key once. It is the flight of its node, so that nodes alone matter:
     include/render_cache/read/leases.hpp      acquire, release
     include/render_cache/read/rendering.hpp   fly, render, publish, replaceable
     include/render_cache/sql/leases.hpp       acquire, renew, release: each one statement
   A lease is of (key, fingerprint). An editor changes the source EDITS times.

   -DCRASHES: one node may die at any step. -DPAUSES: leases end although their holders live, which stand still that long, or cannot
   reach the database; they go on later, and renew what nobody has taken meanwhile. -DIMPATIENCE: who waits may render without a lease.
   -DREPLICA: first look-ups ask a standby, which lags as it likes, and the row itself only for what that misses (store/replica.hpp).
   -DRECORDED: takes the steps of recorded.h alone, which a cache has written down (recorded_steps.cpp), and prints which of its runs
   are runs of this model.

   Left out: the near tier (publish.pml), several flights of one process. */
#ifdef RECORDED
#include "recorded.h"
c_decl {
\#define STEPS
\#include "recorded.h"
}
#endif
#include "source.pml"
#ifndef NODES
#define NODES 2
#endif
#define NOBODY 0
#define NOTHING 0

/* What WITHOUT may name. */
#define LEASE 1
#define ONE_STATEMENT 2
#define SECOND_LOOKUP 3
#define PUBLISH_BEFORE_RELEASE 4
#define RELEASE_WHATEVER_HAPPENS 5
#define OWNER_AT_RELEASE 6
#define END_OF_LEASES 7
#define VERIFYING 8
#define COMPARE_AND_SET 9
#define LATEST 10

/* What a node, the editor or a clock tells of a step. */
#define SAMPLE 1
#define LOOK_UP 2
#define ACQUIRE 3
#define FREEZE 4
#define REPLACE 5
#define RELEASE 6
#define ANSWER 7
#define EDIT 8
#define LEASE_ENDS 9
#define RENEWED 10
#ifdef RECORDED
short which;
int at;
bool begun, diverged;
#define TOLD provided (begun && !diverged)
inline tell(kind, who, outcome) {
  if
  :: c_expr { recorded[now.at] } == 100 * kind + 10 * (who) + (outcome) -> at++
  :: else -> diverged = true
  fi
}
#else
#define TOLD
#define tell(kind, who, outcome) skip
#endif

typedef Entry {
  bool is;
  byte moment /* of the source, of which it was rendered */
}
typedef Lease {
  byte owner; /* 1 is node 0 */
  bool ended /* by the database's clock */
}
inline copy(from, to) {
  to.is = from.is;
  to.moment = from.moment
}
#define text_of(entry) (entry.is -> 1 + entry.moment : NOTHING)

Entry row;
#ifdef REPLICA
Entry standby;
#endif
Lease lease[STATES]; /* of a fingerprint */
bool crashed[NODES];
byte nodes_called, nodes_ended, crashes;
byte renders[EDITS + 1]; /* of a moment */
bool released_anothers;  /* a node took away a lease that another one had */

#define stored (row.is -> 1 + state_of(row.moment) : 0)
#define is_free(name) (lease[name].owner == NOBODY || lease[name].ended || lease[name].owner == _pid + 1)

inline look_up() {
  if
  :: row.is && (state_of(row.moment) == now || (waits && WITHOUT == VERIFYING)) -> copy(row, mine)
  :: else -> seen = text_of(row)
  fi;
  tell(LOOK_UP, _pid, stored)
}
#ifdef REPLICA
inline look_up_at_standby() {
  if
  :: standby.is && state_of(standby.moment) == now -> copy(standby, mine)
  :: else
  fi
}
#endif
inline look_up_again() {
#ifdef REPLICA
  if
  :: WITHOUT == LATEST -> look_up_at_standby()
  :: else -> look_up()
  fi
#else
  look_up()
#endif
}
inline take() {
  lease[now].owner = _pid + 1;
  lease[now].ended = false;
  granted = true
}
inline release() {
  if
  :: granted -> tell(RELEASE, _pid, now)
  :: else
  fi;
  if
  :: granted && (lease[now].owner == _pid + 1 || (lease[now].owner != NOBODY && WITHOUT == OWNER_AT_RELEASE)) ->
     check(released_anothers, lease[now].owner == _pid + 1);
     lease[now].owner = NOBODY;
     lease[now].ended = false
  :: else
  fi;
  granted = false
}
active [NODES] proctype Node() TOLD {
  byte call, now, seen;
  bool waits, granted, once_more;
  Entry mine;

  {
    atomic { /* The nodes are alike, so let the first be the first to call. */
      nodes_called == _pid;
      nodes_called++;
      call = edits;
      now = state_of(edits);
      tell(SAMPLE, _pid, now)
    }
again:
#ifdef REPLICA
    atomic {
      look_up_at_standby();
      if
      :: mine.is -> goto answer
      :: else
      fi
    }
#endif
    atomic {
      look_up();
      if
      :: mine.is -> goto answer
      :: else
      fi
    }
acquiring:
    atomic { /* acquire: INSERT ... ON CONFLICT DO UPDATE ... WHERE */
      if
      :: WITHOUT == LEASE -> goto rendering
      :: WITHOUT != LEASE && is_free(now) && WITHOUT != ONE_STATEMENT -> take()
      :: WITHOUT != LEASE && is_free(now) && WITHOUT == ONE_STATEMENT -> granted = true
      :: else -> waits = true
      fi;
      tell(ACQUIRE, _pid, granted)
    }
    if
    :: WITHOUT == ONE_STATEMENT && granted -> d_step { take() }
    :: else
    fi;
    if
    :: !granted -> /* a pause, and whether the holder has finished */
       atomic {
         look_up_again();
         if
         :: mine.is -> goto answer
         :: else -> goto acquiring
         fi
       }
#ifdef IMPATIENCE
    :: !granted
#endif
    :: granted -> /* the holder before may have finished since */
       atomic {
         if
         :: WITHOUT != SECOND_LOOKUP -> look_up_again()
         :: else
         fi;
         if
         :: mine.is -> goto releasing
         :: else
         fi
       }
    fi;
rendering:
    atomic { /* freeze */
      if
      :: state_of(edits) == now ->
         mine.is = true;
         mine.moment = edits;
         tell(FREEZE, _pid, now);
         renders[edits]++;
#if STATES > EDITS && !defined(PAUSES) && !defined(IMPATIENCE)
         check(rendered_again, renders[edits] <= 1 + crashes)
#endif
      :: else -> /* it has moved on: lands with nothing, and begins again */
         tell(FREEZE, _pid, state_of(edits));
         goto beginning_again
      fi
    }
    if
    :: WITHOUT == PUBLISH_BEFORE_RELEASE -> d_step { release() }
    :: else
    fi;
    atomic { /* Sampler::movement */
      tell(SAMPLE, _pid, state_of(edits));
      if
      :: state_of(edits) == now -> mine.moment = edits /* it is what a render of now would be */
      :: state_of(edits) != now && WITHOUT != RELEASE_WHATEVER_HAPPENS -> goto releasing
      :: state_of(edits) != now && WITHOUT == RELEASE_WHATEVER_HAPPENS -> goto answer
      fi
    }
publishing:
    atomic {
      tell(REPLACE, _pid, text_of(row) == seen);
      if
      :: text_of(row) == seen || WITHOUT == COMPARE_AND_SET ->
         check(replaced_newer, !row.is || row.moment <= mine.moment);
         copy(mine, row);
         goto releasing
      :: else
      fi;
      if
      :: once_more -> goto releasing
      :: else
      fi;
      once_more = true
    }
    atomic { /* replaceable: what is there now? */
      tell(LOOK_UP, _pid, stored);
      if
      :: row.is && state_of(row.moment) == now -> goto releasing
      :: else -> seen = text_of(row)
      fi
    }
    atomic {
      tell(SAMPLE, _pid, state_of(edits));
      if
      :: state_of(edits) == now -> mine.moment = edits; goto publishing
      :: else
      fi
    }
releasing:
    atomic { release() }
answer:
    atomic {
      tell(ANSWER, _pid, state_of(mine.moment));
      check(wrong_read, was_current(mine.moment, call));
      goto answered
    }
beginning_again:
    atomic { release() }
    atomic {
      waits = false;
      now = state_of(edits);
      tell(SAMPLE, _pid, now);
      goto again
    }
answered:
    skip
  } unless { crashed[_pid] }
  atomic {
    nodes_ended++;
    mine.is = false;
    mine.moment = 0;
    call = 0;
    now = 0;
    seen = 0;
    waits = false;
    granted = false;
    once_more = false
  }
}

active proctype Editor() TOLD {
  do
  :: edits < EDITS -> atomic { edits++; tell(EDIT, 0, edits) }
  :: edits == EDITS -> break
  od
}

#ifdef PAUSES
#define may_end(holder) true
#else
#define may_end(holder) crashed[holder - 1]
#endif
active [STATES] proctype Clock() TOLD { /* one for each lease */
  byte name = _pid - NODES - 1;
end:
  do
  :: d_step {
       lease[name].owner != NOBODY && !lease[name].ended && may_end(lease[name].owner) && WITHOUT != END_OF_LEASES;
       lease[name].ended = true;
       tell(LEASE_ENDS, 0, name)
     }
#ifdef PAUSES
  :: d_step {
       lease[name].owner != NOBODY && lease[name].ended && !crashed[lease[name].owner - 1];
       lease[name].ended = false; /* after all */
       tell(RENEWED, 0, name)
     }
#endif
  od
}

#ifdef REPLICA
active proctype Standby() {
end:
  do
  :: atomic { standby.is != row.is || standby.moment != row.moment -> copy(row, standby) }
  od
}
#endif

#ifdef CRASHES
active proctype Crash() {
  byte node;
  do
  :: node < nodes_called - 1 -> node++
  :: nodes_called > 0 -> break
  od;
  atomic { crashed[node] = true; crashes++; node = 0 }
}
#endif

#ifdef RECORDED
active proctype Recorded() {
  do
  :: which < RUNS - 1 -> which++
  :: break
  od;
  atomic { at = c_expr { begins[now.which] }; begun = true }
  c_expr { recorded[now.at] } == 0 && !diverged;
  c_code { printf("run %d is a run of the model\n", now.which); }
}
#endif

/* With a scheduler that is fair. */
ltl nobody_waits_for_ever { <> (nodes_ended == NODES) }
