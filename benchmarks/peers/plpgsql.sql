create table applicant (
    row_number integer, queue integer, class_rank smallint, filed_at_us bigint, id_rank integer,
    birth_day integer, profile integer, wishes integer[], barred integer[]
);
create table place (
    row_number integer, queue integer, organization integer, kind integer, rank integer, free integer,
    birth_first integer, birth_last integer
);
create table turn (queue integer, first_priority integer, general integer, position integer);
create table profile (suits integer[]);

-- Serves one applicant from the arrays of a queue's places, in the order of rank; 0 = nothing suits.
create function choose(
    born integer, suits integer[], suits_from integer, wishes integer[], barred integer[], rows integer[],
    organizations integer[], kinds integer[], left_over integer[], firsts integer[], lasts integer[],
    first_of integer[], next_of integer[]
) returns integer language plpgsql immutable as $$
declare
    wish integer; at integer; suit integer; best integer := 0; best_suit integer := 0;
    places integer := coalesce(array_length(rows, 1), 0);
begin
    foreach wish in array wishes loop
        at := case when wish < 0 then 1 else coalesce(first_of[wish + 1], 0) end;
        while at > 0 and at <= places loop
            if left_over[at] > 0 and firsts[at] <= born and born <= lasts[at] then
                suit := suits[suits_from + kinds[at]];
                if suit >= 0 and (best = 0 or suit < best_suit)
                   and (wish >= 0 or not organizations[at] = any(wishes))
                   and (barred is null or not rows[at] = any(barred)) then
                    best := at;
                    best_suit := suit;
                end if;
            end if;
            at := case when wish < 0 then at + 1 else next_of[at] end;
        end loop;
        exit when best > 0;
    end loop;
    return best;
end $$;

create function serve_queue(which integer, kinds_count integer) returns setof integer[] language plpgsql as $$
declare
    rows integer[]; organizations integer[]; kinds integer[]; left_over integer[]; firsts integer[]; lasts integer[];
    first_of integer[]; next_of integer[]; suits integer[] := (select p.suits from profile p);
    pattern turn; one applicant; out_of_turn refcursor; first_priority refcursor; others refcursor; done boolean[] := array[false, false, false];
    stream integer; own integer; chosen integer; total integer;
begin
    select array_agg(p.row_number order by p.rank), array_agg(p.organization order by p.rank),
           array_agg(p.kind order by p.rank), array_agg(p.free order by p.rank),
           array_agg(p.birth_first order by p.rank), array_agg(p.birth_last order by p.rank), sum(p.free)
      into rows, organizations, kinds, left_over, firsts, lasts, total
      from place p where p.queue = which and p.free > 0;
    select * into pattern from turn t where t.queue = which;
    first_of := array_fill(0, array[(select max(o) + 1 from unnest(organizations) o)]);
    next_of := array_fill(0, array[array_length(rows, 1)]);
    for at in reverse array_length(rows, 1) .. 1 loop
        next_of[at] := first_of[organizations[at] + 1];
        first_of[organizations[at] + 1] := at;
    end loop;
    open out_of_turn for select * from applicant a where a.queue = which and a.class_rank = 0
        order by a.filed_at_us, a.id_rank;
    open first_priority for select * from applicant a where a.queue = which and a.class_rank = 1
        order by a.filed_at_us, a.id_rank;
    open others for select * from applicant a where a.queue = which and a.class_rank = 2
        order by a.filed_at_us, a.id_rank;
    own := 1;
    while total > 0 and not (done[1] and done[2] and done[3]) loop
        if not done[1] then stream := 1;
        elsif pattern.first_priority + pattern.general = 0 then stream := case when done[2] then 3 else 2 end;
        else
            own := case when pattern.position < pattern.first_priority then 2 else 3 end;
            stream := case when done[own] then 5 - own else own end;
        end if;
        if stream = 1 then fetch out_of_turn into one;
        elsif stream = 2 then fetch first_priority into one;
        else fetch others into one;
        end if;
        if not found then
            done[stream] := true;
            continue;
        end if;
        chosen := choose(one.birth_day, suits, one.profile * kinds_count + 1, one.wishes, one.barred, rows,
                         organizations, kinds, left_over, firsts, lasts, first_of, next_of);
        if chosen > 0 then
            left_over[chosen] := left_over[chosen] - 1;
            total := total - 1;
            if stream > 1 and pattern.first_priority + pattern.general > 0 and stream = own then
                pattern.position := (pattern.position + 1) % (pattern.first_priority + pattern.general);
            end if;
            return next array[one.row_number, rows[chosen]];
        end if;
    end loop;
    close out_of_turn;
    close first_priority;
    close others;
    return next array[-1 - which, pattern.position];
end $$;
