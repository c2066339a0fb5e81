//! A load of any size takes about the same memory.

#[pgrx::pg_schema]
mod tests {
    use calls::vendor::Aside;
    use pgrx::prelude::*;

    use crate::pg::spill::Spill;
    use crate::pg::transaction::attempt;
    use crate::pg::values;

    fn of_transaction() -> i64 {
        let sql =
            "SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts WHERE name = 'TopTransactionContext'";
        Spi::get_one(sql).unwrap().unwrap()
    }

    #[pg_test]
    fn what_a_statement_returns_leaves_nothing_in_the_transaction() {
        let before = of_transaction();
        for _ in 0..100 {
            let sql = "SELECT array_agg(repeat('x', 100)) FROM generate_series(1, 1000)";
            let read = values::one::<Vec<Option<String>>>(sql, &[]).unwrap().unwrap();
            assert_eq!(values::read::<Vec<Option<String>>>(sql, &[]).unwrap().unwrap(), read);
        }
        let grown = of_transaction() - before;
        assert!(grown < 100_000, "{grown} bytes");
    }

    #[pg_test]
    fn what_is_put_aside_comes_back_after_an_error_too() {
        let mut spills: Vec<Box<Spill>> = (0..20).map(|_| Box::default()).collect();
        let expected: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
        for (at, record) in expected.chunks(1_000).enumerate() {
            spills.iter_mut().for_each(|spill| spill.write(record));
            if at == 100 {
                // Whatever was begun in a part that failed is closed with it, and nothing else.
                let failed = attempt(|| {
                    Spill::default().push(record);
                    Spi::run("SELECT 1 / 0").unwrap();
                });
                assert!(failed.is_err());
            }
        }
        for spill in spills {
            assert!(Aside::read(spill) == expected);
        }
    }
}
