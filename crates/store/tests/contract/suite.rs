//! The list of the contract's rules. One that is written and not listed is dead code, which the lints refuse.

/// Runs every rule of the contract against a backend.
macro_rules! contract_suite {
    ($backend:ty) => {
        contract_suite! { @rules $backend;
            changes {
                an_answered_change_has_its_event_and_survives
                a_refused_change_leaves_neither_state_nor_event
                refusals_in_a_crowd_leave_nothing
            }
            log {
                concurrent_changes_each_stand_alone
                a_follower_sees_every_event_once_and_in_order
                memory_and_disk_answer_the_same
                a_read_is_bounded_and_says_where_to_go_on
                single_events_are_found_by_position
                what_is_committed_together_is_published_together
            }
            tenant_log {
                a_tenant_reads_its_own_events_of_the_types_it_wants
                who_wants_what_is_rare_looks_at_a_stretch_at_a_time
                a_reader_hears_of_what_the_log_has_forgotten
                a_reader_at_the_head_is_woken
            }
            revisions {
                of_two_updates_of_a_revision_one_wins
                a_deletion_names_its_revision_too
                an_application_takes_its_grants_with_it
                another_tenant_reaches_nothing
                what_is_unique_is_refused_by_name
            }
            accounts {
                a_tenant_is_made_once
                users_are_paged_oldest_first
                applications_and_grants_are_kept_and_listed
                the_signing_key_added_last_is_the_newest
                a_signing_key_goes_when_its_last_token_has_expired
            }
            connections {
                a_connection_is_kept_whole
                connections_are_listed_oldest_first_in_two_ways
                a_filter_narrows_the_list
            }
            scim {
                configurations_and_tokens_are_kept_and_go_together
                scim_users_are_found_and_go_with_their_user
                groups_and_members_are_kept_and_listed
            }
            group_roles {
                roles_of_groups_are_kept_where_they_were_given
            }
            secrets {
                secrets_come_back_and_are_not_shown
            }
            resealing {
                everything_is_sealed_anew_in_steps_beside_changes
                sealing_anew_goes_on_after_a_restart_at_any_step
            }
            streams {
                a_stream_is_kept_whole
                options_are_kept_whole_and_go_back_to_their_defaults
                a_page_starts_after_a_stream_even_a_deleted_one
                a_name_is_taken_once
                a_tenant_has_no_more_streams_than_it_may
                delivery_hears_of_changed_and_removed_streams
                a_new_stream_starts_at_the_end_of_the_log
                subscriptions_have_a_history
            }
            checkpoints {
                positions_survive
                a_stream_at_the_head_moves_with_it
                rows_follow_their_deliveries
                a_removed_stream_leaves_nothing_and_is_passed_over
                a_failing_stream_is_disabled_once
            }
            alerts {
                what_is_told_of_a_stream_is_in_the_log_with_what_it_tells_of
                that_a_stream_was_disabled_is_told_if_it_was
                a_stream_gets_nothing_about_itself_and_others_do
            }
            positions {
                a_stream_starts_where_it_is_told
                a_time_is_found_however_many_events_there_are
                options_are_kept
                a_stream_is_moved_back_and_forward
                a_moved_stream_wants_what_it_subscribes_to_now
                a_checkpoint_from_before_a_move_does_not_undo_it
                an_enabled_stream_gets_what_it_missed_if_asked
                what_the_log_has_forgotten_is_not_resumed
            }
            snapshots {
                everybody_is_told_of_once_as_they_were
                a_snapshot_waits_for_its_stream
                a_stream_that_wants_or_is_nothing_is_told_nothing
                a_change_that_is_refused_tells_nobody
                organizations_are_told_of_before_what_is_in_them_and_before_any_change
                groups_are_told_of_before_what_is_in_them_and_before_any_change
                what_goes_with_what_a_group_is_of_is_told_of_no_more
                linked_users_are_told_of_as_they_were
                connections_that_raise_events_are_told_of_as_they_were
            }
            actions {
                an_action_and_its_versions_come_back_whole
                what_is_deployed_is_the_newest_version_also_after_rolling_back
                the_newest_versions_are_kept
                actions_are_found_by_what_they_are
                of_two_who_change_an_action_one_is_told
                an_action_goes_with_its_versions
                tenants_have_a_bounded_number_of_actions_of_their_own
                a_stream_needs_a_deployed_action_of_its_tenant
                delivery_hears_of_another_deployed_version
                removing_an_action_disables_its_streams_for_good
                an_action_goes_with_the_last_of_its_streams
            }
            organizations {
                what_belongs_to_something_goes_with_it
                a_write_that_tells_a_name_checks_that_it_holds
                slices_go_on_where_they_ended
                a_linked_user_is_nobody_but_stays_unique
            }
            failures {
                failures_are_listed_found_and_counted
                another_tenant_finds_no_failures
                a_redelivery_is_accepted_once_and_wakes
                a_redelivery_ends_with_its_outcome
                the_newest_hundred_attempts_are_kept
            }
            redeliveries {
                a_job_goes_on_in_steps_and_after_a_restart
                a_job_redelivers_what_is_meant
                a_job_is_paused_resumed_and_canceled
                what_a_stream_has_missed_is_shown_and_delivered
                a_disabled_stream_gets_what_it_has_missed_so_far
                what_a_canceled_job_has_not_come_to_is_missed_again
                what_a_move_asked_for_since_is_not_missed_again
                a_test_event_is_for_one_stream_out_of_turn
                jobs_are_bounded_and_their_tenants_own
            }
            probes {
                a_probe_is_a_job_of_one_failed_delivery_and_its_success_enables_the_stream
                a_stream_is_probed_only_as_long_as_it_is_disabled_for_failures_and_its_owner_wants_that
                where_nothing_has_failed_what_is_open_or_was_missed_is_tried
            }
            partner_event_sources {
                a_source_is_wanted_as_long_as_its_stream_is_there
                a_stream_that_goes_while_its_source_is_made_has_it_deleted
                nothing_is_left_of_a_source_that_nobody_has_taken_up
                sources_are_taken_up_in_pages
            }
            many_failures {
                a_hundred_thousand_are_redelivered_in_steps_across_a_restart_beside_new_events
            }
            statistics {
                deliveries_are_counted_by_the_minute
                old_counts_are_summed_up_and_then_forgotten
                what_a_stream_has_before_it_is_kept_at_its_worst_and_as_it_was_last
                every_event_is_counted_once_although_the_process_is_killed
                when_a_stream_was_enabled_and_disabled_is_kept
            }
            erasure {
                of_an_erased_user_only_the_required_stays
                an_erasure_goes_on_after_a_restart
                erasures_go_together_and_end
                what_receivers_answered_is_forgotten
                a_snapshot_under_way_is_erased_too
                somebody_new_with_the_same_id_is_left_alone
            }
            publish {
                an_event_published_twice_is_one
                what_was_published_is_known_after_a_restart
                many_published_events_are_all_known
                of_a_crowd_that_publishes_the_same_each_is_answered_and_one_counts
                what_the_log_holds_stays_known_while_retention_goes_on
            }
            registered_types {
                registered_types_are_kept_changed_and_removed
                a_registered_type_that_a_stream_subscribes_to_stays
                tenants_have_registered_types_of_their_own
                a_tenant_registers_a_bounded_number_of_types
            }
            retention {
                old_events_go_in_steps_and_the_newest_stays
                an_event_that_is_not_old_stays
                what_an_enabled_stream_needs_stays
                a_stream_at_the_head_keeps_nothing_back
                failures_go_with_their_events_and_are_reported
            }
        }
    };
    (@rules $backend:ty; $($subject:ident { $($rule:ident)* })*) => {
        $(mod $subject {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let backend = <$backend as crate::backend::Backend>::new();
                    crate::backend::bounded(crate::$subject::$rule(&backend)).await;
                }
            )*
        })*
    };
}
